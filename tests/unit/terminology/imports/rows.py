"""A writer that keeps rows as they were written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from fhirserver.kernel.json import JsonObject
from fhirserver.ports.terminology import Designation


class Rows:
    """A :class:`fhirserver.ports.releases.ReleaseWriter`."""

    def __init__(self) -> None:
        self.progress: Mapping[str, int] = {}
        self.concepts: dict[str, tuple[str, str, bool, bool, str, list[JsonObject]]] = {}
        self.designations: list[tuple[str, Designation]] = []
        self.properties: list[tuple[str, str, str, str]] = []
        self.parents: list[tuple[str, str]] = []

    def concept(
        self,
        code: str,
        display: str = "",
        definition: str = "",
        *,
        inactive: bool = False,
        abstract: bool = False,
        status: str = "",
        extensions: Sequence[JsonObject] = (),
    ) -> None:
        self.concepts[code] = (display, definition, inactive, abstract, status, [*extensions])

    def designation(self, code: str, designation: Designation) -> None:
        self.designations.append((code, designation))

    def property(self, code: str, name: str, value: str, type: str = "string", group: int = 0) -> None:
        self.properties.append((code, name, value, type))

    def parent(self, code: str, parent: str) -> None:
        self.parents.append((code, parent))

    def checkpoint(self, source: str, done: int) -> None:
        self.progress = {**self.progress, source: done}

    def discard(self) -> None: ...

    def close(self) -> None: ...

    def finish(self, header: JsonObject) -> Iterator[tuple[str, int, int]]:
        return iter(())
