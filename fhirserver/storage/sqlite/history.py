"""Versions of one resource, one type or all, by last update: newest first or oldest first, page by page.

The current versions lie in ``resource``, the older ones in ``version``; both have an index in this order.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any, Final, TypeAlias

from fhirserver.kernel.json import dumps
from fhirserver.ports.storage import HistoryPage, HistoryQuery, Key, Numbered, Place, Version
from fhirserver.storage.sqlite.names import Names

SCHEMA: Final = """
CREATE INDEX IF NOT EXISTS resource_history ON resource (updated);
CREATE INDEX IF NOT EXISTS version_history ON version (updated);
CREATE INDEX IF NOT EXISTS version_type_history ON version (type, updated);
"""

Sql: TypeAlias = tuple[str, tuple[Any, ...]]

_ENDED = """coalesce(
(SELECT n.updated FROM version n WHERE n.pk = h.pk AND n.version > h.version ORDER BY n.version LIMIT 1),
(SELECT r.updated FROM resource r WHERE r.pk = h.pk))"""
_COLUMNS = "h.updated, h.position, h.pk AS pk, h.version, h.type, h.recorded, h.deleted"
_NUMBER = "SELECT pk FROM resource WHERE type = ? AND id = ?"
_NEWEST = "SELECT pk, version, position, recorded, deleted, content FROM resource WHERE type = ? AND id = ?"
_OLDER = """
SELECT pk, version, position, recorded, deleted, content FROM version
WHERE pk = ? AND position <= ? ORDER BY version DESC LIMIT 1
"""
_FILL = """
UPDATE version SET type = (SELECT r.type FROM resource r WHERE r.pk = version.pk),
updated = CAST(strftime('%s', recorded) AS INTEGER) * 1000000 + CAST(substr(recorded, 21, 3) AS INTEGER) * 1000
"""


def complete(connection: sqlite3.Connection) -> None:
    """Give a file from before the columns ``type`` and ``updated`` what they would hold."""
    known = {row[1] for row in connection.execute("PRAGMA table_info(version)")}
    if "updated" in known:
        return
    connection.execute("BEGIN IMMEDIATE")
    for column in ("type", "updated"):
        connection.execute(f"ALTER TABLE version ADD COLUMN {column} INTEGER NOT NULL DEFAULT 0")
    connection.execute(_FILL)
    connection.execute("COMMIT")


class History:
    """Reads versions on one connection."""

    def __init__(self, connection: sqlite3.Connection):
        self._connection = connection
        self._names = Names(connection)

    def page(self, query: HistoryQuery) -> HistoryPage:
        if query.count <= 0:
            return HistoryPage(())
        text, bound = self._page(query)
        rows = self._connection.execute(text, bound).fetchall()
        more = len(rows) > query.count
        kept = rows[: query.count]
        return HistoryPage([self._version(row) for row in kept], Place(*kept[-1][:4]) if more else None)

    def count(self, query: HistoryQuery) -> int:
        (current, old), bound = self._both(query)
        text = f"SELECT (SELECT count(*) FROM {current}) + (SELECT count(*) FROM {old})"  # noqa: S608
        return int(self._connection.execute(text, bound).fetchone()[0])

    def version_at(self, key: Key, position: int) -> Numbered | None:
        """What a resource was after the commit at ``position``."""
        row = self._connection.execute(_NEWEST, (self._names.find(key.type), key.id)).fetchone()
        if row is not None and row[2] > position:
            row = self._connection.execute(_OLDER, (row[0], position)).fetchone()
        if row is None:
            return None
        pk, version, at, recorded, deleted, content = row
        return Numbered(pk, Version(*key, version, at, recorded, bool(deleted), content))

    def _page(self, query: HistoryQuery) -> Sql:
        """One more than a page, so that it shows whether there are more."""
        (current, old), bound = self._both(query)
        way = "ASC" if query.ascending else "DESC"
        text = (
            f"SELECT f.*, r.id FROM (SELECT {_COLUMNS}, h.content FROM {current} "  # noqa: S608
            f"UNION ALL SELECT {_COLUMNS}, h.content FROM {old} "
            f"ORDER BY 1 {way}, 2 {way}, 3 {way}, 4 {way} LIMIT ?) f CROSS JOIN resource r ON r.pk = f.pk"
        )
        return text, (*bound, query.count + 1)

    def _both(self, query: HistoryQuery) -> tuple[tuple[str, str], tuple[Any, ...]]:
        """The rows of current versions, those of older ones, and what is bound to both."""
        current, old = self._rows("resource", "NULL", query), self._rows("version", _ENDED, query)
        return (current[0], old[0]), (*current[1], *old[1])

    def _rows(self, table: str, ended: str, query: HistoryQuery) -> Sql:
        """``table h`` with its conditions. Named resources come first in the join: they are few."""
        start: Sql = (f"{table} h", ())
        if query.keys is not None:
            start = f"json_each(?) k CROSS JOIN {table} h ON h.pk = k.value", (self._numbers(query.keys),)
        tests: list[Sql] = [("1", ()), *_moments(query, ended)]
        if query.type:
            tests.append(("h.type = ?", (self._names.find(query.type),)))
        if query.after is not None:
            beyond = ">" if query.ascending else "<"
            tests.append(
                (f"(h.updated, h.position, h.pk, h.version) {beyond} (?, ?, ?, ?)", tuple(query.after))
            )
        where = " AND ".join(text for text, _ in tests)
        return f"{start[0]} WHERE {where}", (*start[1], *(one for _, bound in tests for one in bound))

    def _numbers(self, keys: Iterable[Key]) -> str:
        """The numbers of resources, as JSON."""
        found: list[int] = []
        for key in keys:
            asked = (self._names.find(key.type), key.id)
            row = self._connection.execute(_NUMBER, asked).fetchone()
            found += row or ()
        return dumps(found).decode()

    def _version(self, row: tuple[Any, ...]) -> Version:
        _, position, _, version, type_number, recorded, deleted, content, id = row
        return Version(self._names.name(type_number), id, version, position, recorded, bool(deleted), content)


def _moments(query: HistoryQuery, ended: str) -> list[Sql]:
    """The conditions on the time during which a version was current (``HistoryQuery.admits``)."""
    tests: list[Sql] = []
    if query.since is not None:
        tests.append(("h.updated >= ?", (query.since,)))
    if query.at is not None:
        low, high = query.at
        tests.append(("h.updated < ?", (high,)))
        ends = f"CASE WHEN h.deleted THEN h.updated + 1 ELSE coalesce({ended}, {2**62}) END"
        tests.append((f"(h.updated >= ? OR {ends} > ?)", (low, low)))
    return tests
