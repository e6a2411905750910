"""The concepts of a release, each with its designations and properties, in the order of their numbers.

Designations and properties are sorted by SQLite, outside of memory, and laid beside the concepts as three streams.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Iterator

from fhirserver.kernel.json import Json, JsonObject, dumps, loads
from fhirserver.storage.sqlite.releases import schema
from fhirserver.storage.sqlite.releases.packing import pack_runs, runs_of

_AT_ONCE = 5_000
_CONCEPTS = """
SELECT l.number, c.code, c.display, c.definition, c.flags, c.status, c.extensions
FROM rows.listed l CROSS JOIN rows.concept c ON c.row = l.row ORDER BY l.number"""
_NUMBER = """(SELECT number FROM rows.numbered n WHERE n.row = CASE typeof(r.owner) WHEN 'integer' THEN r.owner
ELSE (SELECT row FROM rows.code c WHERE c.code = r.owner) END)"""
_DESIGNATIONS = f"""
SELECT {_NUMBER} AS number, r.value, r.language, r.use, r.extensions
FROM rows.designation r ORDER BY number, r.rowid"""  # noqa: S608 (nothing of it comes from outside)
_PROPERTIES = f"""
SELECT {_NUMBER} AS number, r.name, r.type, r.value, r.band
FROM rows.property r ORDER BY number, r.rowid"""  # noqa: S608
_INDEXED = f"""
INSERT OR IGNORE INTO property SELECT r.name,
    CASE r.type WHEN {schema.TYPES.index("Coding")} THEN coalesce(json_extract(r.value, '$.code'), '') ELSE r.value END,
    {_NUMBER} AS number, r.band
FROM rows.property r ORDER BY 1, 2, 3, 4"""  # noqa: S608
_STATUSES = """
INSERT INTO property SELECT n.id, c.status, c.number, 0
FROM concept c, name n WHERE n.name = 'status' AND c.status <> '' ORDER BY 2, 3"""


def fill_concepts(connection: sqlite3.Connection, _: JsonObject) -> Iterator[tuple[int, int]]:
    execute = connection.execute
    size = execute("SELECT count(*) FROM rows.concept").fetchone()[0]
    designations, properties = (
        _Beside(execute(_DESIGNATIONS)),
        _Beside(execute(_PROPERTIES)),
    )
    flagged = {name: array("I") for name in schema.FLAGS}
    rows: list[tuple[object, ...]] = []
    for number, code, display, definition, flags, status, extensions in execute(_CONCEPTS):
        for name, bit in schema.FLAGS.items():
            if flags & bit:
                flagged[name].append(number)
        more = _more(designations.of(number), properties.of(number), extensions)
        rows.append((number, code, display, definition, flags, status, more))
        if len(rows) == _AT_ONCE:
            _write(connection, rows)
            yield number, size
    _write(connection, rows)
    for name, numbers in flagged.items():
        execute("INSERT INTO flag VALUES (?, ?)", (name, pack_runs([*runs_of(numbers)])))


class _Beside:
    """Rows in ascending order of their first column, asked for by ascending numbers."""

    def __init__(self, rows: sqlite3.Cursor):
        self._rows = rows
        self._next: tuple[Json, ...] | None = rows.fetchone()

    def of(self, number: int) -> list[tuple[Json, ...]]:
        found = []
        while self._next is not None and self._next[0] == number:
            found.append(self._next[1:])
            self._next = self._rows.fetchone()
        return found


def _more(
    designations: list[tuple[Json, ...]], properties: list[tuple[Json, ...]], extensions: bytes | None
) -> bytes | None:
    if not (designations or properties or extensions):
        return None
    spoken = [
        (value, language, _unpacked(use), _unpacked(further))
        for value, language, use, further in designations
    ]
    return dumps((spoken, properties, extensions and loads(extensions)))


def _unpacked(said: Json) -> Json:
    """A number (of what many designations say) as it is, else the JSON."""
    return loads(said) if isinstance(said, bytes) else said


def _write(connection: sqlite3.Connection, rows: list[tuple[object, ...]]) -> None:
    connection.executemany("INSERT INTO concept VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    rows.clear()


def fill_properties(connection: sqlite3.Connection, _: JsonObject) -> Iterator[tuple[int, int]]:
    yield 0, 1
    connection.execute("INSERT INTO name SELECT id, name FROM rows.name")
    connection.execute("INSERT INTO said SELECT id, json FROM rows.said")
    connection.execute(_INDEXED)
    if not connection.execute("SELECT count(*) FROM name WHERE name = 'status'").fetchone()[0]:
        connection.execute("INSERT INTO name (name) VALUES ('status')")
        connection.execute(_STATUSES)
