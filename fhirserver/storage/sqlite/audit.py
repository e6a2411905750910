"""The audit trail on SQLite: a file of its own beside the tenant's, so that noting never waits for the log's writer.

It can be given to other owners and backed up by itself. Each append is one synced transaction, done on a thread: once a
second, and never on the way of a request.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

from fhirserver.ports.audit import Sealed

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS batch (
    number INTEGER PRIMARY KEY, since INTEGER NOT NULL, until INTEGER NOT NULL, entries INTEGER NOT NULL,
    commits BLOB NOT NULL, accounted INTEGER NOT NULL, data BLOB NOT NULL, previous BLOB NOT NULL,
    key TEXT NOT NULL, seal BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS batch_until ON batch (until, since, number);
"""
_COLUMNS: Final = "number, since, until, entries, commits, accounted, data, previous, key, seal"
_ATTEMPTS: Final = 100
_T = TypeVar("_T")


class SqliteTrail:
    """The file is opened when it is first used. See :class:`fhirserver.ports.audit.Trail`."""

    def __init__(self, path: Path):
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-audit")
        self._open: sqlite3.Connection | None = None

    async def _run(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: work(self._connection))

    @property
    def _connection(self) -> sqlite3.Connection:
        if self._open is None:
            self._open = _opened(self._path)
        return self._open

    async def close(self) -> None:
        if self._open is not None:
            await self._run(lambda connection: connection.close())
            self._open = None
        self._thread.shutdown()

    async def append(self, batch: Sealed) -> bool:
        return await self._run(lambda connection: _append(connection, batch))

    async def last(self) -> Sealed | None:
        asked = f"SELECT {_COLUMNS} FROM batch ORDER BY number DESC LIMIT 1"  # noqa: S608 - fixed names
        found = await self._run(lambda connection: connection.execute(asked).fetchall())
        return Sealed(*found[0]) if found else None

    async def read(self, after: int, limit: int) -> Sequence[Sealed]:
        asked = f"SELECT {_COLUMNS} FROM batch WHERE number > ? ORDER BY number LIMIT ?"  # noqa: S608 - fixed names
        found = await self._run(lambda connection: connection.execute(asked, (after, limit)).fetchall())
        return [Sealed(*row) for row in found]

    async def between(self, low: int, high: int) -> Sequence[int]:
        asked = "SELECT number FROM batch WHERE until >= ? AND since < ? ORDER BY number"
        found = await self._run(lambda connection: connection.execute(asked, (low, high)).fetchall())
        return [row[0] for row in found]

    async def drop(self, number: int) -> int:
        asked = "DELETE FROM batch WHERE number <= ? AND number < (SELECT max(number) FROM batch)"
        return await self._run(lambda connection: connection.execute(asked, (number,)).rowcount)


def _append(connection: sqlite3.Connection, batch: Sealed) -> bool:
    """One statement: it looks for the end and writes behind it in one transaction."""
    asked = (
        f"INSERT INTO batch ({_COLUMNS}) SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ? "  # noqa: S608 - fixed names
        "WHERE ? = (SELECT coalesce(max(number), 0) + 1 FROM batch)"
    )
    return connection.execute(asked, (*batch, batch.number)).rowcount == 1


def _opened(path: Path) -> sqlite3.Connection:
    """Another process may be making the file: SQLite does not wait for one that turns the journal over."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA busy_timeout = 10000")
    for attempt in range(_ATTEMPTS):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.executescript(_SCHEMA)
            break
        except sqlite3.OperationalError:
            if attempt == _ATTEMPTS - 1:
                connection.close()
                raise
            time.sleep(0.01)
    return connection
