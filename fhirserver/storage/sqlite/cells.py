"""Cells on SQLite: a small file of their own beside the tenant's, so that heartbeats never wait for an append.

A write is some ten microseconds of work and is not synced, so it is done on the caller's thread: what a power cut
takes along is about processes that are gone with it.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from fhirserver.kernel.json import JsonObject, dumps, loads
from fhirserver.ports.cells import Cell

_SCHEMA: Final = (
    "CREATE TABLE IF NOT EXISTS cell (key TEXT PRIMARY KEY, revision INTEGER NOT NULL, value BLOB NOT NULL)"
    " WITHOUT ROWID"
)
_ATTEMPTS: Final = 100


class SqliteCells:
    """The file is opened when it is first used. See :class:`fhirserver.ports.cells.Cells`."""

    def __init__(self, path: Path):
        self._path = path
        self._open: sqlite3.Connection | None = None

    @property
    def _connection(self) -> sqlite3.Connection:
        if self._open is None:
            self._open = _opened(self._path)
        return self._open

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    async def read(self, key: str) -> Cell | None:
        rows = self._connection.execute("SELECT key, revision, value FROM cell WHERE key = ?", (key,))
        return next((Cell(key, revision, loads(value)) for key, revision, value in rows.fetchall()), None)

    async def find(self, prefix: str) -> Sequence[Cell]:
        rows = self._connection.execute(
            "SELECT key, revision, value FROM cell WHERE key >= ? AND substr(key, 1, ?) = ? ORDER BY key",
            (prefix, len(prefix), prefix),
        )
        return [Cell(key, revision, loads(value)) for key, revision, value in rows.fetchall()]

    async def swap(self, key: str, revision: int, value: JsonObject) -> bool:
        if revision:
            return self._changed(
                "UPDATE cell SET revision = revision + 1, value = ? WHERE key = ? AND revision = ?",
                (dumps(value), key, revision),
            )
        return self._changed("INSERT OR IGNORE INTO cell VALUES (?, 1, ?)", (key, dumps(value)))

    async def remove(self, key: str, revision: int) -> bool:
        return self._changed("DELETE FROM cell WHERE key = ? AND revision = ?", (key, revision))

    def _changed(self, sql: str, arguments: tuple[object, ...]) -> bool:
        return self._connection.execute(sql, arguments).rowcount == 1


def _opened(path: Path) -> sqlite3.Connection:
    """Another process may be making the file: SQLite does not wait for one that turns the journal over."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA busy_timeout = 2000")
    for attempt in range(_ATTEMPTS):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(_SCHEMA)
            break
        except sqlite3.OperationalError:
            if attempt == _ATTEMPTS - 1:
                connection.close()
                raise
            time.sleep(0.01)
    return connection
