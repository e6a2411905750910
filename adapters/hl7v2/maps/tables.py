"""The maps as rows: unpacked once, patched, each row with the CSV line that it comes from.

``maps.json.xz`` holds HL7's own rows, untouched. ``patches.toml`` says what we change in them and why, ``own.toml``
which rows and whole maps we add. Both are read here and nowhere else.
"""

from __future__ import annotations

import lzma
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from adapters.hl7v2.maps.errors import MapError
from fhirserver.kernel.json import loads

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a segment or data type map. ``source`` is ``PID[Patient] line 31``."""

    source: str
    line: int
    identifier: str
    type: str = ""
    condition: str = ""
    narrative: str = ""
    path: str = ""
    extension: str = ""
    map: str = ""
    vocabulary: str = ""
    assignment: str = ""


@dataclass(frozen=True, slots=True)
class MessageRow:
    """One row of a message map; ``target`` is a label such as ``Patient[1]``."""

    source: str
    line: int
    identifier: str
    syntax: str = ""
    condition: str = ""
    narrative: str = ""
    target: str = ""
    segment_map: str = ""
    references: str = ""


@dataclass(frozen=True, slots=True)
class Code:
    """What a v2 code becomes; ``code`` is empty where the map leaves it open."""

    source: str
    code: str
    display: str
    system: str


@dataclass(frozen=True, slots=True)
class CodeMap:
    """A concept map; ``table`` is ``HL70001``."""

    name: str
    table: str
    codes: Mapping[str, Code]


@dataclass(frozen=True)
class Tables:
    """All maps. ``unread`` says which patches hit nothing: they are errors of ours."""

    segments: Mapping[str, tuple[Row, ...]]
    datatypes: Mapping[str, tuple[Row, ...]]
    messages: Mapping[str, tuple[MessageRow, ...]]
    codes: Mapping[str, CodeMap]
    structures: Mapping[str, Any]
    generic: Mapping[str, tuple[MessageRow, ...]]
    alike: Mapping[str, str]
    stale: tuple[str, ...] = field(default=())


@cache
def tables() -> Tables:
    """Raises :class:`MapError` where our own files are wrong."""
    raw = loads(lzma.decompress((FOLDER / "maps.json.xz").read_bytes()))
    patches = _Patches(_toml("patches.toml"))
    own = _toml("own.toml")
    segments = _elements(raw["segments"], patches) | _own_elements(own.get("segments", {}))
    datatypes = _elements(raw["datatypes"], patches)
    for name, rows in _own_elements(own.get("datatypes", {})).items():
        datatypes[name] = rows
    for name, rows in _own_elements(own.get("more", {})).items():
        into = segments if name in segments else datatypes
        into[name] = (*into[name], *rows)
    messages = {name: _message(name, rows, patches) for name, rows in raw["messages"].items()}
    generic = {name: _own_messages(name, rows) for name, rows in own["generic"].items()}
    codes = {name: _codes(name, rows) for name, rows in raw["codesystems"].items()}
    codes |= _own_codes(own.get("codes", {}), codes)
    return Tables(
        segments, datatypes, messages, codes, raw["structures"], generic, own["alike"], patches.stale()
    )


def _toml(name: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / name).read_text("utf-8"))


class _Patches:
    """``[[patch]]`` by map and line, ``[[replace]]`` everywhere."""

    def __init__(self, content: Mapping[str, Any]):
        self.by_line: dict[tuple[str, int], dict[str, Any]] = {}
        self.hit: set[tuple[str, int]] = set()
        for patch in content.get("patch", ()):
            for line in patch["lines"]:
                self.by_line[patch["map"], line] = patch
        self.by_column: dict[str, list[tuple[re.Pattern[str], str, str]]] = {}
        for one in content.get("replace", ()):
            entry = (re.compile(one["pattern"]), one["by"], one.get("map", ""))
            self.by_column.setdefault(one["column"], []).append(entry)
        self.any = {
            column: re.compile("|".join(f"(?:{pattern.pattern})" for pattern, _, _ in entries))
            for column, entries in self.by_column.items()
        }

    def apply(self, name: str, row: Any) -> Any:
        """The row as it shall be; None for one that is dropped."""
        for column, found in self.any.items():
            value = getattr(row, column, "")
            if value and found.search(value):
                row = replace(row, **{column: self._replaced(name, column, value)})
        key = (name, row.line)
        patch = self.by_line.get(key)
        if patch is None:
            return row
        self.hit.add(key)
        return None if patch.get("drop") else replace(row, **patch["set"])

    def _replaced(self, name: str, column: str, value: str) -> str:
        for pattern, by, only in self.by_column[column]:
            if only in ("", name):
                value = pattern.sub(by, value)
        return value

    def stale(self) -> tuple[str, ...]:
        return tuple(f"{name} line {line}" for name, line in self.by_line if (name, line) not in self.hit)


def _elements(raw: Mapping[str, Any], patches: _Patches) -> dict[str, tuple[Row, ...]]:
    made = {}
    for name, rows in raw.items():
        typed = (Row(f"{name} line {row[0]}", *row) for row in rows)
        made[name] = tuple(row for one in typed if (row := patches.apply(name, one)) is not None)
    return made


def _message(name: str, rows: Iterable[Any], patches: _Patches) -> tuple[MessageRow, ...]:
    typed = (MessageRow(f"{name} line {row[0]}", *row) for row in rows)
    return tuple(row for one in typed if (row := patches.apply(name, one)) is not None)


def _own_elements(content: Mapping[str, Any]) -> dict[str, tuple[Row, ...]]:
    return {
        name: tuple(Row(f"own.toml {name} row {n}", n, **_own(row, name)) for n, row in enumerate(rows, 1))
        for name, rows in content.items()
    }


def _own(row: Mapping[str, Any], name: str) -> dict[str, str]:
    known = {"at": "identifier", "type": "type", "if": "condition", "path": "path"}
    known |= {"map": "map", "codes": "vocabulary", "assign": "assignment"}
    if unknown := set(row) - set(known):
        raise MapError(f"own.toml {name}: {sorted(unknown)[0]} is not known")
    return {known[key]: value for key, value in row.items()}


def _own_messages(name: str, rows: Iterable[Mapping[str, str]]) -> tuple[MessageRow, ...]:
    return tuple(
        MessageRow(
            source=f"own.toml {name} row {n}",
            line=n,
            identifier=name,
            condition=row.get("if", ""),
            target=row["target"],
            segment_map=row["map"],
            references=row.get("references", ""),
        )
        for n, row in enumerate(rows, 1)
    )


def _codes(name: str, rows: Iterable[Any]) -> CodeMap:
    codes: dict[str, Code] = {}
    table = ""
    for line, v2, v2_table, code, display, system in rows:
        table = table or v2_table
        found = codes.get(v2)
        if found is None or (code and not found.code):
            codes[v2] = Code(f"{name} line {line}", code, display, system)
    return CodeMap(name, table, codes)


def _own_codes(content: Mapping[str, Any], known: Mapping[str, CodeMap]) -> dict[str, CodeMap]:
    made = {}
    for name, entry in content.items():
        start = known.get(name, CodeMap(name, entry.get("table", ""), {}))
        system = entry.get("system", "")
        more = {v2: Code(f"own.toml {name}", code, "", system) for v2, code in entry["codes"].items()}
        made[name] = CodeMap(name, entry.get("table", start.table), {**start.codes, **more})
    return made
