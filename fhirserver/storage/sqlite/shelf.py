"""A shelf on disk: a SQLite database without a name, which SQLite keeps in a file that nobody else sees and that is
gone when the process ends, however it ends (https://www.sqlite.org/inmemorydb.html#temp_db). ``SQLITE_TMPDIR`` or
``TMPDIR`` says where."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from threading import Lock
from typing import Final

from fhirserver.kernel.json import JsonObject
from fhirserver.ports.shelf import Shelved

_CACHE_KIB: Final = 8192
"""Of the database that stay in memory."""
_LOT: Final = 500


class DiskShelf:
    """See :class:`fhirserver.ports.shelf.Shelf`. Any thread may use it."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        self._lock = Lock()
        self._database.executescript(
            f"""
            PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -{_CACHE_KIB};
            CREATE TABLE rows (kind TEXT, day TEXT, key TEXT UNIQUE, row TEXT, PRIMARY KEY (kind, day, key))
                WITHOUT ROWID;
            """
        )

    def get(self, key: str) -> JsonObject | None:
        with self._lock:
            found = self._database.execute("SELECT row FROM rows WHERE key = ?", (key,)).fetchone()
        return json.loads(found[0]) if found else None

    def put(self, rows: Mapping[str, JsonObject]) -> None:
        values = [
            (key.partition("/")[0], str(row.get("day", "")), key, json.dumps(row, separators=(",", ":")))
            for key, row in rows.items()
        ]
        with self._lock:
            self._database.execute("BEGIN")
            try:
                self._database.executemany("INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?)", values)
            finally:
                self._database.execute("COMMIT")

    def days(self, kind: str, first: str, last: str) -> Iterator[Shelved]:
        query = "SELECT key, row FROM rows WHERE kind = ? AND day = ? AND key > ? ORDER BY key LIMIT ?"
        for day in self._days(kind, first, last):
            after = ""
            while found := self._asked(query, (kind, day, after, _LOT)):
                for key, row in found:
                    yield Shelved(key, json.loads(row))
                after = found[-1][0]

    def _days(self, kind: str, first: str, last: str) -> Iterator[str]:
        """The days from one to another on which there are any: each is sought, none is passed over row by row."""
        query = "SELECT day FROM rows WHERE kind = ? AND day {} ? ORDER BY day LIMIT 1"
        found = self._asked(query.format(">="), (kind, first))
        while found and found[0][0] <= last:
            yield found[0][0]
            found = self._asked(query.format(">"), (kind, found[0][0]))

    def all(self, after: str = "") -> Iterator[Shelved]:
        query = "SELECT key, row FROM rows WHERE key > ? ORDER BY key LIMIT ?"
        while found := self._asked(query, (after, _LOT)):
            for key, row in found:
                yield Shelved(key, json.loads(row))
            after = found[-1][0]

    def _asked(self, query: str, given: tuple[object, ...]) -> list[tuple[str, ...]]:
        with self._lock:
            return self._database.execute(query, given).fetchall()

    def close(self) -> None:
        with self._lock:
            self._database.close()
