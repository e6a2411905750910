"""Journals on SQLite: a file of their own beside the tenant's, which only the server's user may read.

Appends wait for the disk in one thread; whatever came meanwhile goes into the next transaction together, so that many
conversations share one wait. Reads are short and done on the caller's thread.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from fhirserver.kernel.json import JsonObject, dumps, loads
from fhirserver.ports.journals import Entry

_SCHEMA: Final = (
    "CREATE TABLE IF NOT EXISTS journal"
    " (name TEXT NOT NULL, number INTEGER NOT NULL, value BLOB NOT NULL, PRIMARY KEY (name, number)) WITHOUT ROWID"
)
_ATTEMPTS: Final = 100
_LAST: Final = "SELECT coalesce(max(number), 0) FROM journal WHERE name = ?"
_INSERT: Final = "INSERT INTO journal VALUES (?, ?, ?)"
_READ: Final = "SELECT number, value FROM journal WHERE name = ? AND number > ? ORDER BY number LIMIT ?"
_NAMES: Final = """
WITH RECURSIVE found(name) AS (
  SELECT min(name) FROM journal WHERE name > :after AND name >= :prefix AND name < :prefix || CAST(x'FF' AS TEXT)
  UNION ALL
  SELECT (SELECT min(name) FROM journal WHERE name > found.name AND name < :prefix || CAST(x'FF' AS TEXT))
  FROM found WHERE found.name IS NOT NULL LIMIT :limit
)
SELECT name FROM found WHERE name IS NOT NULL
"""
"""From one name to the next by the key, whatever stands between them. No text in UTF-8 has the byte FF."""


class _Waiting(NamedTuple):
    """What is to be done: values to put, or None to remove the journal."""

    name: str
    after: int
    values: Sequence[bytes] | None
    done: asyncio.Future[bool]


class SqliteJournals:
    """The file is opened when it is first used. See :class:`fhirserver.ports.journals.Journals`."""

    def __init__(self, path: Path):
        self._path = path
        self._thread: ThreadPoolExecutor | None = None
        self._reader: sqlite3.Connection | None = None
        self._writer: sqlite3.Connection | None = None
        self._waiting: list[_Waiting] = []
        self._writing: asyncio.Task[None] | None = None

    @property
    def _reading(self) -> sqlite3.Connection:
        if self._reader is None:
            self._reader = _opened(self._path)
        return self._reader

    async def close(self) -> None:
        """What was begun is finished first."""
        if self._writing is not None:
            await self._writing
        if self._thread is not None:
            self._thread.shutdown()
        for connection in (self._reader, self._writer):
            if connection is not None:
                connection.close()
        self._thread = self._reader = self._writer = None

    async def append(self, name: str, after: int, values: Sequence[JsonObject]) -> bool:
        return await self._do(name, after, [dumps(value) for value in values])

    async def remove(self, name: str) -> None:
        await self._do(name, 0, None)

    async def read(self, name: str, after: int = 0, limit: int = 1000) -> Sequence[Entry]:
        rows = self._reading.execute(_READ, (name, after, limit)).fetchall()
        return [Entry(number, loads(value)) for number, value in rows]

    async def names(self, prefix: str, after: str = "", limit: int = 1000) -> Sequence[str]:
        wanted = {"prefix": prefix, "after": after, "limit": limit}
        rows = self._reading.execute(_NAMES, wanted).fetchall()
        return [name for (name,) in rows]

    async def _do(self, name: str, after: int, values: Sequence[bytes] | None) -> bool:
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(name, after, values, done))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())
        return await done

    async def _write_all(self) -> None:
        """Write until nothing waits, all that waits at a time."""
        try:
            while self._waiting:
                lot, self._waiting = self._waiting, []
                await self._write_lot(lot)
        finally:
            self._writing = None

    async def _write_lot(self, lot: list[_Waiting]) -> None:
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-journals")
        try:
            outcomes = await asyncio.get_running_loop().run_in_executor(self._thread, self._write, lot)
        except Exception as error:  # whatever the disk says, each who waits is told
            for one in lot:
                if not one.done.done():
                    one.done.set_exception(error)
            return
        for one, outcome in zip(lot, outcomes, strict=True):
            if not one.done.done():
                one.done.set_result(outcome)

    def _write(self, lot: list[_Waiting]) -> list[bool]:
        if self._writer is None:
            self._writer = _opened(self._path)
        writer = self._writer
        writer.execute("BEGIN IMMEDIATE")
        try:
            outcomes = [self._write_one(writer, one) for one in lot]
            writer.execute("COMMIT")
        except BaseException:
            writer.rollback()
            raise
        return outcomes

    @staticmethod
    def _write_one(writer: sqlite3.Connection, one: _Waiting) -> bool:
        if one.values is None:
            writer.execute("DELETE FROM journal WHERE name = ?", (one.name,))
            return True
        ((last,),) = writer.execute(_LAST, (one.name,)).fetchall()
        if last != one.after:
            return False
        writer.executemany(
            _INSERT, [(one.name, one.after + place, value) for place, value in enumerate(one.values, 1)]
        )
        return True


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
            connection.execute(_SCHEMA)
            break
        except sqlite3.OperationalError:
            if attempt == _ATTEMPTS - 1:
                connection.close()
                raise
            time.sleep(0.01)
    return connection
