"""Tables as text: rows of columns between tabs, pipes or commas. Read one row at a time; what is wrong is named with
its file, line and column.
"""

from __future__ import annotations

import csv
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import BinaryIO, TypeAlias

from terminology.imports.kind import InvalidSource
from terminology.imports.sources import Sources

Values: TypeAlias = tuple[str, ...]
_LONGEST_LINE = 4_000_000
csv.field_size_limit(_LONGEST_LINE)


@dataclass(frozen=True, slots=True)
class Layout:
    """How a table is written. Without ``columns`` its first row names them; with them it has no such row.

    ``quoted``: texts may stand in quotes and hold line ends, as in CSV. ``closed``: a delimiter ends each row (RRF).
    ``legacy``: where the text is not UTF-8, Windows-1252 is meant.
    """

    delimiter: str = "\t"
    quoted: bool = False
    columns: Values = ()
    closed: bool = False
    legacy: bool = False


def rrf(columns: str) -> Layout:
    """The layout of a file in Rich Release Format: no header, and a pipe behind each column."""
    return Layout("|", columns=tuple(columns.split()), closed=True)


@dataclass(slots=True)
class Table:
    """One file, open for reading from its beginning."""

    sources: Sources
    name: str
    layout: Layout = field(default_factory=Layout)
    line: int = 0
    """The number of the line that was read last."""
    read: int = 0
    """How many bytes of the file were read, about."""

    def wrong(self, why: str, line: int | None = None) -> InvalidSource:
        return InvalidSource(self.sources.place(self.name), why, self.line if line is None else line or None)

    def rows(self, needed: Sequence[str], optional: Sequence[str] = ()) -> Iterator[Values]:
        """The values of these columns; of those that may be missing an empty text then. The first must have a value."""
        with self.sources.open(self.name) as binary:
            rows = self._split(self._lines(binary))
            header = self.layout.columns or self._header(rows)
            yield from self._picked(rows, header, needed, optional)

    def lists(self) -> Iterator[list[str]]:
        """All rows as they are, a header too."""
        with self.sources.open(self.name) as binary:
            yield from self._split(self._lines(binary))

    # Lines

    def _lines(self, binary: BinaryIO) -> Iterator[str]:
        """Decoded, without their ends; a byte order mark at the beginning is left out."""
        try:
            for number, raw in enumerate(iter(lambda: binary.readline(_LONGEST_LINE), b""), 1):
                self.line, self.read = number, self.read + len(raw)
                text = self._decoded(raw, number)
                if "\0" in text:
                    raise self.wrong("it holds a zero byte: the file is damaged")
                yield text if self.layout.quoted else text.rstrip("\r\n")
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise self.wrong(f"the zip is damaged here: {error}") from None

    def _decoded(self, raw: bytes, number: int) -> str:
        if number == 1 and raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise self.wrong("the file is UTF-16: UTF-8 is expected")
        try:
            return raw.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            if self.layout.legacy:
                return raw.decode("cp1252", "replace")
            before = raw[: error.start].decode("utf-8", "replace")
            column = before.count(self.layout.delimiter) + 1
            raise self.wrong(f"the text in column {column} is not UTF-8") from None

    def _split(self, lines: Iterator[str]) -> Iterator[list[str]]:
        if self.layout.quoted:
            yield from self._quoted(lines)
            return
        for line in lines:
            if line:
                yield line.split(self.layout.delimiter)

    def _quoted(self, lines: Iterator[str]) -> Iterator[list[str]]:
        reader = csv.reader(lines, delimiter=self.layout.delimiter, strict=True)
        try:
            yield from (row for row in reader if row)
        except csv.Error as error:
            raise self.wrong(f"it is no CSV: {error}") from None

    # Columns

    def _header(self, rows: Iterator[list[str]]) -> Values:
        found = next(rows, None)
        if found is None:
            raise self.wrong("the file is empty", 0)
        return tuple(name.strip() for name in found)

    def _picked(
        self, rows: Iterable[list[str]], header: Values, needed: Sequence[str], optional: Sequence[str]
    ) -> Iterator[Values]:
        at = [self._place(header, name) for name in needed]
        at += [header.index(name) if name in header else len(header) for name in optional]
        pick = itemgetter(*at) if len(at) > 1 else lambda row: (row[at[0]],)
        width = len(header) + self.layout.closed
        for row in rows:
            if len(row) != width:
                self._check_width(row, width)
            row.append("")
            values: Values = pick(row)
            if not values[0]:
                raise self.wrong(f"the column {needed[0]} is empty")
            yield values

    def _place(self, header: Values, name: str) -> int:
        if name not in header:
            raise self.wrong(f"the column {name} is missing; it has {', '.join(header)}"[:400])
        return header.index(name)

    def _check_width(self, row: list[str], width: int) -> None:
        closed = self.layout.closed
        raise self.wrong(
            f"the row has {len(row) - closed} columns instead of {width - closed}: it is cut off or damaged"
        )
