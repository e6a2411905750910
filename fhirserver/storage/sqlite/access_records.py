"""Access records on SQLite: a file of their own beside the tenant's, which only the server's user may read.

A write waits for the disk, in a thread of its own; a read is some microseconds of work and is done on the caller's.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final

from fhirserver.kernel.json import JsonObject, dumps, loads
from fhirserver.ports.access_records import AccessRecord

_SCHEMA: Final = (
    "CREATE TABLE IF NOT EXISTS access_record"
    " (key TEXT PRIMARY KEY, revision INTEGER NOT NULL, value BLOB NOT NULL, expires INTEGER) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS access_record_expires ON access_record (expires) WHERE expires IS NOT NULL",
)
_ATTEMPTS: Final = 100
_SELECT: Final = (
    "SELECT key, revision, value, expires FROM access_record WHERE (expires IS NULL OR expires > ?)"
)
_READ: Final = _SELECT + " AND key = ?"
_FIND: Final = _SELECT + " AND key >= ? AND key > ? AND substr(key, 1, ?) = ? ORDER BY key LIMIT ?"
_CHANGE: Final = (
    "UPDATE access_record SET revision = revision + 1, value = ?, expires = ?"
    " WHERE key = ? AND revision = ? AND (expires IS NULL OR expires > ?)"
)
_PUT: Final = (
    "INSERT INTO access_record VALUES (?, 1, ?, ?) ON CONFLICT (key) DO UPDATE"
    " SET revision = 1, value = excluded.value, expires = excluded.expires WHERE access_record.expires <= ?"
)
_REMOVE: Final = (
    "DELETE FROM access_record WHERE key = ? AND revision = ? AND (expires IS NULL OR expires > ?)"
)
_FORGET: Final = (
    "DELETE FROM access_record WHERE key IN"
    " (SELECT key FROM access_record WHERE expires IS NOT NULL AND expires <= ? LIMIT ?)"
)


class SqliteAccessRecords:
    """The file is opened when it is first used. See :class:`fhirserver.ports.access_records.AccessRecords`."""

    def __init__(self, path: Path, now: Callable[[], float] = time.time):
        self._path, self._now = path, now
        self._thread: ThreadPoolExecutor | None = None
        self._reader: sqlite3.Connection | None = None
        self._writer: sqlite3.Connection | None = None

    @property
    def _reading(self) -> sqlite3.Connection:
        if self._reader is None:
            self._reader = _opened(self._path)
        return self._reader

    def close(self) -> None:
        if self._thread is not None:
            self._thread.shutdown()
        for connection in (self._reader, self._writer):
            if connection is not None:
                connection.close()
        self._thread = self._reader = self._writer = None

    async def read(self, key: str) -> AccessRecord | None:
        rows = self._reading.execute(_READ, (self._second(), key))
        return next(map(_record, rows.fetchall()), None)

    async def find(self, prefix: str, after: str = "", limit: int = 1000) -> Sequence[AccessRecord]:
        rows = self._reading.execute(_FIND, (self._second(), prefix, after, len(prefix), prefix, limit))
        return [*map(_record, rows.fetchall())]

    async def swap(self, key: str, revision: int, value: JsonObject, expires: int | None = None) -> bool:
        if revision:
            return await self._run(_CHANGE, dumps(value), expires, key, revision, self._second()) == 1
        return await self._run(_PUT, key, dumps(value), expires, self._second()) == 1

    async def remove(self, key: str, revision: int) -> bool:
        return await self._run(_REMOVE, key, revision, self._second()) == 1

    async def forget_expired(self, most: int = 1000) -> int:
        return await self._run(_FORGET, self._second(), most)

    def _second(self) -> int:
        return int(self._now())

    async def _run(self, sql: str, *arguments: object) -> int:
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-access")
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._write, sql, arguments)

    def _write(self, sql: str, arguments: tuple[object, ...]) -> int:
        if self._writer is None:
            self._writer = _opened(self._path)
        return self._writer.execute(sql, arguments).rowcount


def _record(row: tuple[str, int, bytes, int | None]) -> AccessRecord:
    key, revision, value, expires = row
    return AccessRecord(key, revision, loads(value), expires)


def _opened(path: Path) -> sqlite3.Connection:
    """Another process may be making the file: SQLite does not wait for one that turns the journal over."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA busy_timeout = 10000")
    for attempt in range(_ATTEMPTS):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            for statement in _SCHEMA:
                connection.execute(statement)
            break
        except sqlite3.OperationalError:
            if attempt == _ATTEMPTS - 1:
                connection.close()
                raise
            time.sleep(0.01)
    return connection
