"""Contained resources on SQLite: a file of their own beside the tenant's, with the same tables.

It is made again from the log where it is missing. https://hl7.org/fhir/R4/search.html#contained
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeVar

from fhirserver.kernel.instants import microseconds
from fhirserver.ports.contained import Container, Reached
from fhirserver.ports.storage import Page
from fhirserver.search.expression import Query
from fhirserver.storage.sqlite import index as search_index
from fhirserver.storage.sqlite import names
from fhirserver.storage.sqlite.aside import Aside
from fhirserver.storage.sqlite.index import SearchIndex
from fhirserver.storage.sqlite.names import Names

Result = TypeVar("Result")

_RESOURCES: Final = """
CREATE TABLE IF NOT EXISTS resource (
    pk INTEGER PRIMARY KEY, type INTEGER NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL,
    position INTEGER NOT NULL, recorded TEXT NOT NULL, updated INTEGER NOT NULL, deleted INTEGER NOT NULL,
    content BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS resource_id ON resource (type, id);
CREATE INDEX IF NOT EXISTS resource_updated ON resource (type, updated, pk);
CREATE TABLE IF NOT EXISTS reached (
    one INTEGER PRIMARY KEY CHECK (one = 1), position INTEGER NOT NULL, id TEXT NOT NULL, parameters INTEGER NOT NULL);
INSERT OR IGNORE INTO reached VALUES (1, 0, '', 0);
"""
_BY_NUMBER: Final = "CREATE INDEX IF NOT EXISTS search_timeline_pk ON search_timeline (pk);"
SCHEMA: Final = _RESOURCES + names.SCHEMA + search_index.SCHEMA + _BY_NUMBER

_ATTEMPTS: Final = 100
_KEPT: Final = ("resource", *search_index.VALUE_TABLES)
_REACHED = "SELECT position, id, parameters FROM reached"
_INSERT = "INSERT INTO resource VALUES (?, ?, ?, ?, 0, ?, ?, 0, ?)"


class SqliteContained:
    """The file is opened when it is first used."""

    def __init__(self, path: Path):
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-contained")
        self._opening = asyncio.Lock()
        self._aside: Aside | None = None
        self._reader: sqlite3.Connection
        self._writer: sqlite3.Connection

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        for pragma in ("busy_timeout = 10000", "journal_mode = WAL", "synchronous = NORMAL"):
            connection.execute(f"PRAGMA {pragma}")
        return connection

    async def _open(self) -> Aside:
        async with self._opening:
            if self._aside is None:
                await self._write(self._open_writer)
                self._reader = self._connect()
                self._reader.execute("PRAGMA query_only = ON")
                self._aside = Aside(self._reader, SearchIndex(self._reader), self._connect)
            return self._aside

    def _open_writer(self) -> None:
        """Another process may be making the file: SQLite does not wait for one that turns the journal over."""
        for attempt in range(_ATTEMPTS):
            try:
                self._writer = self._connect()
                self._writer.executescript(SCHEMA)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or attempt + 1 == _ATTEMPTS:
                    raise
                time.sleep(0.02)
            else:
                return

    async def close(self) -> None:
        if self._aside is not None:
            await self._write(lambda: self._writer.close())
            self._aside.close()
            self._reader.close()
            self._aside = None
        self._thread.shutdown()

    async def _write(self, work: Callable[..., Result], *arguments: Any) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)

    # writing

    async def reached(self) -> Reached:
        await self._open()
        return Reached(*self._reader.execute(_REACHED).fetchone())

    async def put(self, before: Reached, after: Reached, containers: Sequence[Container]) -> bool:
        await self._open()
        return await self._write(self._in_transaction, self._put, before, after, containers)

    async def clear(self) -> None:
        await self._open()
        await self._write(self._in_transaction, self._clear)

    def _in_transaction(self, work: Callable[..., Result], *arguments: Any) -> Result:
        self._writer.execute("BEGIN IMMEDIATE")
        try:
            result = work(*arguments)
            self._writer.execute("COMMIT")
        except BaseException:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
            raise
        return result

    def _put(self, before: Reached, after: Reached, containers: Sequence[Container]) -> bool:
        if tuple(self._writer.execute(_REACHED).fetchone()) != before:
            return False
        for container in containers:
            self._forget(container)
        written = Names(self._writer)  # numbers given in a transaction may not be remembered beyond it
        index = SearchIndex(self._writer)
        for container in containers:
            self._add(container, written, index)
        self._writer.execute("UPDATE reached SET position = ?, id = ?, parameters = ?", after)
        return True

    def _forget(self, container: Container) -> None:
        numbers = container.numbers
        known = "SELECT 1 FROM resource WHERE pk >= ? AND pk < ? LIMIT 1"
        if self._writer.execute(known, numbers).fetchone() is not None:
            for table in _KEPT:
                self._writer.execute(f"DELETE FROM {table} WHERE pk >= ? AND pk < ?", numbers)  # noqa: S608

    def _add(self, container: Container, written: Names, index: SearchIndex) -> None:
        updated = microseconds(container.recorded)
        for one in container.inside:
            pk, place = container.number(one), (container.recorded, updated, container.place)
            self._writer.execute(_INSERT, (pk, written.number(one.type), one.id, container.version, *place))
            index.update(pk, one.type, (), one.values)

    def _clear(self) -> None:
        for table in _KEPT:
            self._writer.execute(f"DELETE FROM {table}")  # noqa: S608 - fixed names
        self._writer.execute("UPDATE reached SET position = 0, id = '', parameters = 0")

    # reading

    async def search(self, query: Query) -> Page:
        return await (await self._open()).settling(query, lambda index, settled: index.search(settled))

    async def count(self, query: Query) -> int:
        return await (await self._open()).settling(query, lambda index, settled: index.count(settled))

    async def dump(self) -> Iterable[bytes]:
        await self._open()
        rows = self._reader.execute(
            "SELECT r.pk, n.name, r.id, r.version, r.recorded, r.updated, r.content "
            "FROM resource r JOIN name n ON n.id = r.type ORDER BY r.pk"
        )
        return [*(repr(row).encode() for row in rows), *SearchIndex(self._reader).dump()]
