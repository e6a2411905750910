"""The simulated EHR's own database: records, their versions, search keys and the log of accepted writes."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from adapters.simulator.habits import HabitBook
from adapters.simulator.keys import keys, stamp
from adapters.simulator.transactions import transaction
from fhirserver.kernel.json import JsonObject, dumps, loads

_TABLES = """
CREATE TABLE IF NOT EXISTS versions (
    type TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL,
    updated TEXT NOT NULL, deleted INTEGER NOT NULL, content BLOB NOT NULL,
    PRIMARY KEY (type, id, version)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS records (
    type TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL,
    updated TEXT NOT NULL, deleted INTEGER NOT NULL, content BLOB NOT NULL,
    PRIMARY KEY (type, id));
CREATE INDEX IF NOT EXISTS records_updated ON records (type, updated);
CREATE INDEX IF NOT EXISTS versions_updated ON versions (type, updated);
CREATE TABLE IF NOT EXISTS keys (
    type TEXT NOT NULL, param TEXT NOT NULL, value TEXT NOT NULL, id TEXT NOT NULL,
    PRIMARY KEY (type, param, value, id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS keys_of ON keys (type, id);
CREATE TABLE IF NOT EXISTS writes (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, time TEXT NOT NULL, method TEXT NOT NULL,
    type TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL,
    identifiers TEXT NOT NULL, headers TEXT NOT NULL, body BLOB NOT NULL);
CREATE TRIGGER IF NOT EXISTS writes_stay BEFORE UPDATE ON writes
    BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER IF NOT EXISTS writes_remain BEFORE DELETE ON writes
    BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""

_ROW = "SELECT type, id, version, updated, deleted, content "
_VERSIONS = _ROW + "FROM versions WHERE type = ? "


@dataclass(frozen=True, slots=True)
class Stored:
    """One version as stored; ``content`` is JSON with ``id`` and ``meta``, empty when deleted."""

    type: str
    id: str
    version: int
    updated: str
    deleted: bool
    content: bytes

    def json(self) -> JsonObject:
        record: JsonObject = loads(self.content)
        return record


@dataclass(frozen=True, slots=True)
class Write:
    """One accepted request, for the log of writes."""

    method: str
    stored: Stored
    identifiers: Sequence[str]
    headers: dict[str, str]
    body: bytes


class Records:
    """The database. One connection, used from one thread; a write is in the file when its call returns."""

    def __init__(self, path: Path | None, habits: HabitBook | None = None):
        self.habits = habits or HabitBook()
        self.listener: Callable[[Stored], None] | None = None
        """Told of every version that is written, when the transaction may still fail."""
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path or ":memory:", isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_TABLES)
        self._stopped_at: datetime | None = None
        self._last = self._newest()

    def close(self) -> None:
        self._db.close()

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing. May be nested; the outermost decides."""
        return transaction(self._db)

    def stop_clock(self, at: datetime | None) -> None:
        """Date the writes that follow from ``at`` on, for data that was there before; None lets time run."""
        self._stopped_at = at

    def next_number(self, name: str) -> int:
        """The next value of a lasting counter, from 1."""
        row = self._db.execute(
            "INSERT INTO counters VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1"
            " RETURNING value",
            (name,),
        ).fetchone()
        return int(row[0])

    def current(self, type: str, id: str) -> Stored | None:
        return self._one(_ROW + "FROM records WHERE type = ? AND id = ?", (type, id))

    def version(self, type: str, id: str, version: int) -> Stored | None:
        return self._one(_VERSIONS + "AND id = ? AND version = ?", (type, id, version))

    def history(self, type: str | None, id: str | None, since: str, before: str, count: int) -> list[Stored]:
        """Versions, newest first; of every record (of the type) where ``id`` (and ``type``) is None."""
        given = [("type = ?", type), ("id = ?", id), ("updated >= ?", since), ("updated < ?", before)]
        where = [(condition, value) for condition, value in given if value]
        conditions = " AND ".join(condition for condition, _ in where) or "1"
        sql = _ROW + f"FROM versions WHERE {conditions} ORDER BY updated DESC LIMIT ?"
        return self.select(sql, [*(value for _, value in where), count])

    def time(self) -> datetime:
        """This EHR's clock."""
        return datetime.now(UTC) + timedelta(seconds=self.habits.now.clock_ahead)

    def now(self) -> str:
        """The present instant by this EHR's clock, at which everything stands that was written before."""
        self._last = max(self.time(), self._last)
        return stamp(self._last)

    def select(self, sql: str, values: Sequence[Any]) -> list[Stored]:
        """The versions in the rows of a statement over ``type, id, version, updated, deleted, content``."""
        rows = self._db.execute(sql, values)
        return [Stored(row[0], row[1], row[2], row[3], bool(row[4]), row[5]) for row in rows]

    def matching(self, where: str, values: Sequence[Any]) -> list[Stored]:
        """Records by an SQL condition that holds placeholders for all values."""
        return self.select(_ROW + "FROM records WHERE " + where, values)

    def count_matching(self, where: str, values: Sequence[Any]) -> int:
        return self.number("SELECT count(*) FROM records WHERE " + where, values)  # noqa: S608

    def number(self, sql: str, values: Sequence[Any]) -> int:
        return int(self._db.execute(sql, values).fetchone()[0])

    def put(self, content: JsonObject, id: str) -> Stored:
        """Store a new version of the record, with its id, version and time."""
        type = content["resourceType"]
        stored = self._next(type, id, deleted=False)
        meta = {**content.get("meta", {}), **self._marks(stored)}
        record = {"resourceType": type, "id": id, "meta": meta}
        record |= {name: value for name, value in content.items() if name not in record}
        stored = Stored(type, id, stored.version, stored.updated, False, dumps(record))
        self._write(stored, record)
        return stored

    def _marks(self, stored: Stored) -> JsonObject:
        """What ``meta`` says of a version, as is this EHR's habit."""
        habits = self.habits.now
        updated = stored.updated[:19] + "Z" if habits.whole_seconds else stored.updated
        return {
            **({} if habits.versions == "none" else {"versionId": str(stored.version)}),
            "lastUpdated": updated,
        }

    def remove(self, type: str, id: str) -> Stored:
        stored = self._next(type, id, deleted=True)
        self._write(stored, None)
        return stored

    def log(self, write: Write) -> None:
        """Append to the log of accepted writes, in the transaction of the write itself."""
        stored = write.stored
        self._db.execute(
            "INSERT INTO writes (time, method, type, id, version, identifiers, headers, body)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(stored.updated, write.method, stored.type, stored.id, stored.version),
                *(dumps(list(write.identifiers)).decode(), dumps(write.headers).decode(), write.body),
            ),
        )

    def writes(self, after: int = 0, limit: int = 10_000) -> list[JsonObject]:
        """The log of accepted writes with sequence > ``after``, in order."""
        sql = (
            "SELECT sequence, time, method, type, id, version, identifiers, headers, body"
            " FROM writes WHERE sequence > ? ORDER BY sequence LIMIT ?"
        )
        names = ("sequence", "time", "method", "type", "id", "version", "identifiers", "headers", "body")
        return [
            {**dict(zip(names, row, strict=True)), **_parsed(row)}
            for row in self._db.execute(sql, (after, limit))
        ]

    def counts(self) -> dict[str, int]:
        """Records that are not deleted, by type."""
        sql = "SELECT type, count(*) FROM records WHERE deleted = 0 GROUP BY type ORDER BY type"
        return dict(self._db.execute(sql).fetchall())

    def repeated(self) -> list[JsonObject]:
        """Identifiers under which more than one record was created by clients."""
        sql = (
            "SELECT writes.type, marks.value, count(*) FROM writes, json_each(writes.identifiers) AS marks"
            " WHERE method = 'POST' GROUP BY writes.type, marks.value HAVING count(*) > 1"
        )
        return [{"type": row[0], "identifier": row[1], "creates": row[2]} for row in self._db.execute(sql)]

    def write_count(self) -> int:
        return self.number("SELECT count(*) FROM writes", ())

    def _one(self, sql: str, values: Sequence[Any]) -> Stored | None:
        found = self.select(sql, values)
        return found[0] if found else None

    def _newest(self) -> datetime:
        newest = self._db.execute("SELECT max(updated) FROM versions").fetchone()[0]
        return datetime.fromisoformat(newest) if newest else datetime.min.replace(tzinfo=UTC)

    def _tick(self) -> str:
        """The present instant, but always later than the one before."""
        now = self._stopped_at or self.time()
        self._last = max(now, self._last + timedelta(microseconds=1))
        return stamp(self._last)

    def _next(self, type: str, id: str, deleted: bool) -> Stored:
        sql = "SELECT version FROM records WHERE type = ? AND id = ?"
        row = self._db.execute(sql, (type, id)).fetchone()
        return Stored(type, id, row[0] + 1 if row else 1, self._tick(), deleted, b"")

    def _write(self, stored: Stored, record: JsonObject | None) -> None:
        row = (stored.type, stored.id, stored.version, stored.updated, stored.deleted, stored.content)
        with self.transaction():
            self._db.execute("INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?)", row)
            self._db.execute("REPLACE INTO records VALUES (?, ?, ?, ?, ?, ?)", row)
            if stored.version > 1:
                self._db.execute("DELETE FROM keys WHERE type = ? AND id = ?", (stored.type, stored.id))
            if record is not None:
                found = {(stored.type, param, text, stored.id) for param, text in keys(record)}
                self._db.executemany("INSERT INTO keys VALUES (?, ?, ?, ?)", found)
        if self.listener is not None:
            self.listener(stored)


def _parsed(row: Sequence[Any]) -> JsonObject:
    return {"identifiers": loads(row[6]), "headers": loads(row[7]), "body": loads(row[8]) if row[8] else None}
