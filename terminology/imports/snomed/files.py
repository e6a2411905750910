"""Which files of an RF2 release hold what, and their rows: each component once, in its newest state.

https://docs.snomed.org (Release File Specification, 3.3 file naming convention)
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from terminology.imports.kind import InvalidSource
from terminology.imports.sources import Sources
from terminology.imports.tables import Table, Values

_NAME = re.compile(
    r"x?(?P<class>sct2|der2)_(?P<type>[A-Za-z]+)_(?P<content>[A-Za-z]*?)(?P<state>Snapshot|Full|Delta)"
    r"(?:-[A-Za-z-]+)?_(?P<owner>[A-Za-z]*[0-9]*)_(?P<date>[0-9]{8})\.txt"
)
_SIZE_AT_ONCE = 96_000_000
"""Bytes of files of which the newest states are told apart at once, in memory."""
NOT_MEMBERS = ("Language", "RefsetDescriptor", "Description", "OWL", "ModuleDependency", "MRCM", "Expression")
"""Reference sets that say how the release is made, or whose members are no concepts."""


@dataclass(frozen=True, slots=True)
class File:
    name: str
    kind: str
    """``Concept`` … for components; for reference sets what they are (``Language``, ``Simple``, ``Association`` …)."""
    state: str
    owner: str
    """``INT``, or a country and namespace: ``US1000124``."""
    date: str


def _file(name: str) -> File | None:
    found = _NAME.fullmatch(PurePosixPath(name).name)
    if found is None:
        return None
    kind = found["type"] if found["class"] == "sct2" else f"{found['content']}Refset"
    return File(name, kind, found["state"], found["owner"], found["date"])


class ReleaseFiles:
    """The files of a release: snapshots; where there are none, those that hold every state (Full)."""

    def __init__(self, path: Path):
        self.sources = Sources(path)
        all_files = [file for name in self.sources.names if (file := _file(name))]
        self.state = next((s for s in ("Snapshot", "Full") if any(f.state == s for f in all_files)), "")
        self.files = [file for file in all_files if file.state == self.state and self.state]
        if not self.files:
            why = (
                "only changes (Delta)"
                if all_files
                else "no files named as RF2 names them (sct2_Concept_Snapshot_…)"
            )
            raise InvalidSource(path, f"it has {why}: a whole release of SNOMED CT is needed")

    def of(self, kind: str) -> list[File]:
        return [file for file in self.files if file.kind == kind]

    def needed(self, kind: str) -> list[File]:
        found = self.of(kind)
        if not found:
            raise InvalidSource(self.sources.path, f"there is no sct2_{kind}_{self.state}_….txt in it")
        return found

    def refsets(self, *beginnings: str) -> list[File]:
        return [
            file for file in self.files if file.kind.startswith(beginnings) and file.kind.endswith("Refset")
        ]

    def members(self) -> list[File]:
        """The files of reference sets whose members are concepts."""
        return [f for f in self.files if f.kind.endswith("Refset") and not f.kind.startswith(NOT_MEMBERS)]

    def size(self, files: Sequence[File]) -> int:
        return sum(self.sources.size(file.name) for file in files) or 1

    def reader(self, files: Sequence[File], columns: tuple[str, ...]) -> Reader:
        return Reader(self, list(files), columns)


class Reader:
    """The rows of files of one kind. Where there are several files, or all states, the newest state of each component
    wins: components are told apart in as many rounds as keep memory flat.

    Rows are the values of the columns asked for, behind id, effectiveTime and active.
    """

    def __init__(self, release: ReleaseFiles, files: list[File], columns: tuple[str, ...]):
        self._sources, self.files = release.sources, files
        self._columns = ("id", "effectiveTime", "active", *columns)
        self._once = len(files) == 1 and release.state == "Snapshot"
        self.size = release.size(files)
        self.rounds = 1 if self._once else -(-self.size // _SIZE_AT_ONCE)
        self.table = Table(self._sources, files[0].name) if files else None
        self._before = 0

    def far(self) -> int:
        """Bytes read, as part of :attr:`size`."""
        read = self._before + (self.table.read if self.table else 0)
        return read if self._once else read // (2 * self.rounds)

    def rows(self) -> Iterator[Values]:
        if self._once:
            yield from self._of_file(self.files[0])
            return
        for part in range(self.rounds):
            yield from self._newest(part)

    def _of_file(self, file: File) -> Iterator[Values]:
        table = self.table = Table(self._sources, file.name)
        for row in table.rows(self._columns):
            if row[2] not in ("0", "1"):
                raise table.wrong("the column active is neither 0 nor 1")
            yield row
        self._before += table.read
        table.read = 0

    def _in_part(self, part: int) -> Iterator[tuple[int, int, Values]]:
        for at, file in enumerate(self.files):
            for line, row in enumerate(self._of_file(file)):
                if self.rounds == 1 or zlib.crc32(row[0].encode()) % self.rounds == part:
                    yield at, line, row

    def _newest(self, part: int) -> Iterator[Values]:
        newest: dict[str, tuple[str, int, int]] = {}
        for at, line, row in self._in_part(part):
            state = (row[1], at, line)
            if row[0] not in newest or newest[row[0]] < state:
                newest[row[0]] = state
        for at, line, row in self._in_part(part):
            if newest[row[0]] == (row[1], at, line):
                yield row

    def wrong(self, why: str) -> InvalidSource:
        assert self.table is not None
        return self.table.wrong(why)
