"""What reads one kind of release (``credence terminology import KIND FILE``)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

from fhirserver.kernel.json import JsonObject
from fhirserver.ports.releases import ReleaseWriter

Progress: TypeAlias = Callable[[str, int, int], None]
"""``(step, done, of)``: how far a step is; bytes or rows, as the step likes. Steps are shown in the order in which they
are first told of. Call it some times a second, not for each row."""


class InvalidSource(ValueError):
    """The file cannot be imported. The message names the file, the line where there is one, and why."""

    def __init__(self, path: Path | str, why: str, line: int | None = None):
        place = str(path) if line is None else f"{path}, line {line}"
        super().__init__(f"{place}: {why}")


@dataclass(frozen=True, slots=True)
class Given:
    """What the command line says of the release; empty where it says nothing, and the files must know it."""

    url: str = ""
    version: str = ""


class Import(Protocol):
    """One kind. The same path always gives the same rows in the same order: an interrupted import goes on by them."""

    kind: str
    """Its name on the command line: ``snomed``, ``loinc`` …"""
    title: str
    """What it reads, for the help: ``SNOMED CT, an RF2 release (zip or folder)``."""

    def recognise(self, path: Path) -> bool:
        """Whether the file or folder looks like one of this kind: a quick look, for messages such as 'this looks like
        LOINC'. Never raises."""
        ...

    def header(self, path: Path, given: Given) -> JsonObject:
        """The CodeSystem resource without ``concept`` and ``count``: ``url``, ``version`` (both needed), ``name``,
        ``title``, ``status``, ``content`` (``complete``, ``fragment`` or ``example``), ``caseSensitive``,
        ``hierarchyMeaning``, ``property``, ``filter``, ``copyright`` …

        Reads no more of the files than it must. Raises :class:`InvalidSource`, also where a version is needed and
        neither the files nor ``given`` have one.
        """
        ...

    def read(self, path: Path, writer: ReleaseWriter, progress: Progress) -> None:
        """Write all concepts, and :meth:`ReleaseWriter.checkpoint` every 100,000 rows or so.

        Begins where ``writer.progress`` says. Memory is flat: rows are read, written and forgotten. Does not call
        :meth:`ReleaseWriter.finish`. Raises :class:`InvalidSource`.
        """
        ...

    def resources(self, path: Path, header: JsonObject) -> Iterator[JsonObject]:
        """ValueSets and ConceptMaps that the release brings along, with ``id`` and ``url``, to be stored as ordinary
        resources once the release stands."""
        ...
