"""The EHR's own database. What it does to a message, the answer and the feed's message are one transaction."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from adapters.simulator.transactions import transaction

_TABLES = """
CREATE TABLE IF NOT EXISTS patients (
    mrn TEXT PRIMARY KEY, merged_into TEXT, fields TEXT NOT NULL, lists TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS numbers (
    authority TEXT NOT NULL, number TEXT NOT NULL, mrn TEXT NOT NULL, written TEXT NOT NULL,
    PRIMARY KEY (authority, number)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS numbers_of ON numbers (mrn);
CREATE TABLE IF NOT EXISTS practitioners (
    npi TEXT PRIMARY KEY, family TEXT NOT NULL, given TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS slots (
    practitioner TEXT NOT NULL, start TEXT NOT NULL, ends TEXT NOT NULL,
    PRIMARY KEY (practitioner, start)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS appointments (
    filler TEXT PRIMARY KEY, placer TEXT NOT NULL, placer_written TEXT NOT NULL, mrn TEXT NOT NULL,
    start TEXT NOT NULL, ends TEXT NOT NULL, status TEXT NOT NULL, fields TEXT NOT NULL, resources TEXT NOT NULL)
    WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS appointments_placed ON appointments (placer);
CREATE INDEX IF NOT EXISTS appointments_of ON appointments (mrn);
CREATE TABLE IF NOT EXISTS takes (
    who TEXT NOT NULL, start TEXT NOT NULL, ends TEXT NOT NULL, filler TEXT NOT NULL,
    PRIMARY KEY (who, start, filler)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS takes_of ON takes (filler);
CREATE TABLE IF NOT EXISTS visits (
    number TEXT PRIMARY KEY, mrn TEXT NOT NULL, class TEXT NOT NULL, start TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS answered (sender TEXT NOT NULL, control_id TEXT NOT NULL, PRIMARY KEY (sender, control_id))
    WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS writes (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, time TEXT NOT NULL, who TEXT NOT NULL, event TEXT NOT NULL,
    control_id TEXT NOT NULL, mrn TEXT NOT NULL, filler TEXT NOT NULL, placer TEXT NOT NULL,
    changed INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS feed (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, control_id TEXT NOT NULL, event TEXT NOT NULL, patients TEXT NOT NULL,
    content TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, refusals INTEGER NOT NULL DEFAULT 0,
    answer TEXT NOT NULL DEFAULT '', due REAL NOT NULL DEFAULT 0, sent INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS feed_waiting ON feed (sequence) WHERE sent = 0;
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS identity (mark TEXT NOT NULL, filled INTEGER NOT NULL DEFAULT 0);
"""
_EMPTIED = (
    *(
        "patients",
        "numbers",
        "practitioners",
        "slots",
        "appointments",
        "takes",
        "visits",
        "answered",
        "writes",
    ),
    *("feed", "counters", "identity"),
)

Row = sqlite3.Row


class Books:
    """One connection, used from one thread; what a transaction wrote is on the disk when it ends.

    ``mark`` tells this database from every other one: its control ids begin with it, so that an EHR that begins
    anew is not taken for the one before. Instants are kept as
    ``2026-11-30T14:30:00Z``, so that texts compare as they do.
    """

    def __init__(self, path: Path | None):
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path or ":memory:", isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.executescript(_TABLES)
        self.mark = self._marked()

    def close(self) -> None:
        self._db.close()

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing. May be nested; the outermost decides."""
        return transaction(self._db)

    def do(self, sql: str, *values: Any) -> None:
        self._db.execute(sql, values)

    def rows(self, sql: str, *values: Any) -> Sequence[Row]:
        return self._db.execute(sql, values).fetchall()

    def each(self, sql: str, *values: Any) -> Iterator[Row]:
        """The rows one by one, for who may not want them all. Nothing may be written meanwhile."""
        yield from self._db.execute(sql, values)

    def row(self, sql: str, *values: Any) -> Row | None:
        found: Row | None = self._db.execute(sql, values).fetchone()
        return found

    def next_number(self, name: str) -> int:
        """The next value of a lasting counter, from 1."""
        row = self.row(
            "INSERT INTO counters VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1"
            " RETURNING value",
            name,
        )
        assert row is not None
        return int(row["value"])

    def empty(self) -> None:
        """Forget everything, as a new database."""
        for table in _EMPTIED:
            self.do(f"DELETE FROM {table}")  # noqa: S608
        self.mark = self._marked()

    def _marked(self) -> str:
        row = self.row("SELECT mark FROM identity")
        if row is None:
            row = self.row(
                "INSERT INTO identity (mark) VALUES (?) RETURNING mark", secrets.token_hex(4).upper()
            )
        assert row is not None
        return str(row["mark"])
