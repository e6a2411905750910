"""A code system as a table: a row for each concept, with the names of the columns in the first line.

``code`` is needed. ``display``, ``definition``, ``parent`` (several between ``|``), ``status``, ``inactive`` and
``abstract`` (true or false) mean what they say; ``designation`` or ``designation:de`` is another name (in German).
Every other column is a property, of a type where one follows its name: ``strength:decimal``. Columns may be there more
than once.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from fhirserver.kernel.json import JsonObject
from fhirserver.ports.releases import ReleaseWriter
from fhirserver.ports.terminology import Designation
from terminology.imports.kind import Given, InvalidSource, Progress
from terminology.imports.opened import Opened, first_bytes, opened

_STEP = "reading rows"
_EACH = 50_000
_TOLD = 2_000
_FLAGS = ("inactive", "abstract")
_OWN = frozenset({"code", "display", "definition", "parent", "status", "designation", *_FLAGS})
_TYPES = ("string", "code", "integer", "boolean", "decimal", "dateTime")
_TRUE = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False, "": False}
_BETWEEN_PARENTS = "|"


class Column(NamedTuple):
    """``name`` is one of those that mean something, or empty for the property ``detail``."""

    name: str
    detail: str = ""
    type: str = "string"


@dataclass(frozen=True, slots=True)
class Row:
    line: int
    cells: list[tuple[Column, str]]

    def first(self, name: str) -> str:
        return next((cell for column, cell in self.cells if column.name == name), "")

    def all(self, name: str) -> Iterable[tuple[Column, str]]:
        return ((column, cell) for column, cell in self.cells if column.name == name and cell)


class CsvImport:
    """An :class:`terminology.imports.kind.Import`."""

    kind = "csv"
    title = "a table with a row for each concept (code, display, definition, parent, and properties), also with gzip"

    def recognise(self, path: Path) -> bool:
        if not path.is_file():
            return False
        line = first_bytes(path).decode("utf-8-sig", "replace").partition("\n")[0]
        return "code" in [
            name.strip().lower() for name in next(csv.reader([line], delimiter=_delimiter(line)), [])
        ]

    def header(self, path: Path, given: Given) -> JsonObject:
        for name, value in (("url", given.url), ("version", given.version)):
            if not value:
                raise InvalidSource(path, f"a table does not say which code system it is: give its --{name}")
        with opened(path) as file:
            columns = _Table(path, file).columns
        properties = {column.detail: column.type for column in columns if not column.name and column.detail}
        return {
            "resourceType": "CodeSystem",
            "url": given.url,
            "version": given.version,
            "name": _name(given.url),
            "status": "active",
            "content": "complete",
            "caseSensitive": True,
            "hierarchyMeaning": "is-a",
            "property": [{"code": code, "type": type} for code, type in properties.items()],
        }

    def read(self, path: Path, writer: ReleaseWriter, progress: Progress) -> None:
        """Goes on by leaving out as many rows as were written before."""
        before = done = writer.progress.get(_STEP, 0)
        with opened(path) as file:
            table = _Table(path, file)
            for number, row in enumerate(table.rows()):
                if number % _TOLD == 0:
                    progress(_STEP, file.done, file.size)
                if number < before:
                    continue
                _write(path, row, writer)
                done = number + 1
                if done % _EACH == 0:
                    writer.checkpoint(_STEP, done)
            writer.checkpoint(_STEP, done)
            progress(_STEP, file.size, file.size)

    def resources(self, path: Path, header: JsonObject) -> Iterator[JsonObject]:
        return iter(())


class _Table:
    def __init__(self, path: Path, file: Opened):
        self._path = path
        lines = self._lines(file)
        first = next(lines, "")
        self._reader = csv.reader(chain([first], lines), delimiter=_delimiter(first), strict=True)
        self._rows = self._read()
        self.columns = [self._column(name) for name in next(self._rows, [])]
        if not any(column.name == "code" for column in self.columns):
            raise InvalidSource(path, "no column is named code", 1)

    def _lines(self, file: Opened) -> Iterator[str]:
        for number, line in enumerate(file.stream, 1):
            try:
                yield line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError:
                raise InvalidSource(self._path, "not UTF-8", number) from None

    def _read(self) -> Iterator[list[str]]:
        while True:
            try:
                yield next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise InvalidSource(self._path, f"not a table: {error}", self._reader.line_num) from None

    def _column(self, written: str) -> Column:
        name, _, detail = (part.strip() for part in written.partition(":"))
        known = name.lower()
        if known == "designation":
            return Column(known, detail)
        if known in _OWN and not detail:
            return Column(known)
        if detail and detail not in _TYPES:
            raise InvalidSource(self._path, f"the type of a column is one of {', '.join(_TYPES)}", 1)
        return Column("", name, detail or "string")

    def rows(self) -> Iterator[Row]:
        for cells in self._rows:
            if not cells:
                continue
            if len(cells) != len(self.columns):
                text = f"{len(cells)} cells, where the first line has {len(self.columns)}"
                raise InvalidSource(self._path, text, self._reader.line_num)
            stripped = (cell.strip() for cell in cells)
            yield Row(self._reader.line_num, [*zip(self.columns, stripped, strict=True)])


def _delimiter(line: str) -> str:
    return max(",;\t", key=line.count)


def _name(url: str) -> str:
    last = "".join(c if c.isascii() and c.isalnum() else "_" for c in url.rstrip("/").rpartition("/")[2])
    return last[:1].upper() + last[1:] if last[:1].isalpha() else f"CodeSystem_{last}"


def _write(path: Path, row: Row, writer: ReleaseWriter) -> None:
    code = row.first("code")
    if not code:
        raise InvalidSource(path, "a row has no code", row.line)
    inactive, abstract = (_flag(path, row, name) for name in _FLAGS)
    writer.concept(
        code,
        row.first("display"),
        row.first("definition"),
        inactive=inactive,
        abstract=abstract,
        status=row.first("status"),
    )
    for _, cell in row.all("parent"):
        for parent in filter(None, map(str.strip, cell.split(_BETWEEN_PARENTS))):
            writer.parent(code, parent)
    for column, cell in row.all("designation"):
        writer.designation(code, Designation(cell, column.detail))
    for column, cell in row.all(""):
        writer.property(code, column.detail, _checked(path, row, column, cell), column.type)


def _flag(path: Path, row: Row, name: str) -> bool:
    value = _TRUE.get(row.first(name).lower())
    if value is None:
        raise InvalidSource(path, f"{name} is true or false", row.line)
    return value


def _checked(path: Path, row: Row, column: Column, cell: str) -> str:
    if column.type == "boolean":
        return "true" if _flag_of(path, row, column, cell) else "false"
    if column.type in ("integer", "decimal"):
        try:
            float(cell) if column.type == "decimal" else int(cell)
        except ValueError:
            raise InvalidSource(path, f"{column.detail} is not a {column.type}", row.line) from None
    return cell


def _flag_of(path: Path, row: Row, column: Column, cell: str) -> bool:
    value = _TRUE.get(cell.lower())
    if value is None:
        raise InvalidSource(path, f"{column.detail} is true or false", row.line)
    return value
