"""SQLite: one file per tenant; one transaction holds the append and its projection.

Reads run on the caller's thread on a connection of their own (WAL: they never wait for the writer). Writes that
take long, because they are large or the disk is slow, run on a writer thread, so that the event loop goes on.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from fhirserver.kernel.instants import microseconds
from fhirserver.kernel.json import dumps, loads
from fhirserver.ports.log import Commit, LostRace
from fhirserver.ports.storage import (
    Change,
    Fact,
    Head,
    HistoryPage,
    HistoryQuery,
    Key,
    Numbered,
    Page,
    Projection,
    Reindexed,
    Row,
    Version,
)
from fhirserver.search.expression import Query
from fhirserver.search.words import asks_for_words
from fhirserver.storage.sqlite import history, index_words, names
from fhirserver.storage.sqlite import index as search_index
from fhirserver.storage.sqlite.access_records import SqliteAccessRecords
from fhirserver.storage.sqlite.aside import Aside
from fhirserver.storage.sqlite.audit import SqliteTrail
from fhirserver.storage.sqlite.cells import SqliteCells
from fhirserver.storage.sqlite.contained import SqliteContained
from fhirserver.storage.sqlite.history import History
from fhirserver.storage.sqlite.index import SearchIndex
from fhirserver.storage.sqlite.journals import SqliteJournals
from fhirserver.storage.sqlite.names import Names
from fhirserver.storage.sqlite.pace import Pace

SCHEMA = """
CREATE TABLE IF NOT EXISTS log (
    position INTEGER PRIMARY KEY, serial INTEGER NOT NULL, recorded TEXT NOT NULL, data BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS resource (
    pk INTEGER PRIMARY KEY, type INTEGER NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL,
    position INTEGER NOT NULL, recorded TEXT NOT NULL, updated INTEGER NOT NULL, deleted INTEGER NOT NULL,
    content BLOB NOT NULL, ledger BLOB NOT NULL, UNIQUE (type, id));
CREATE INDEX IF NOT EXISTS resource_updated ON resource (type, updated, pk);
CREATE TABLE IF NOT EXISTS version (
    pk INTEGER NOT NULL, version INTEGER NOT NULL, position INTEGER NOT NULL, recorded TEXT NOT NULL,
    deleted INTEGER NOT NULL, content BLOB NOT NULL, type INTEGER NOT NULL, updated INTEGER NOT NULL,
    PRIMARY KEY (pk, version)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS fact (
    kind TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, position INTEGER NOT NULL,
    PRIMARY KEY (kind, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS projected (one INTEGER PRIMARY KEY CHECK (one = 1), position INTEGER NOT NULL);
INSERT OR IGNORE INTO projected VALUES (1, 0);
"""

_WORDS_AT_ONCE = 100
"""So few that the writes of others, which wait for each lot, are not held up."""
_FACT = "SELECT value, position FROM fact WHERE kind = ? AND key = ?"
_PROJECTIONS = ("resource", "version", "fact")
_CURRENT = "SELECT id, version, position, recorded, deleted, content FROM resource WHERE type = ? AND id = ?"
_ROW = (
    "SELECT pk, version, position, recorded, deleted, content, ledger FROM resource WHERE type = ? AND id = ?"
)
_CURRENT_NUMBER = "SELECT pk, version FROM resource WHERE type = ? AND id = ? AND deleted = 0"
_UPSERT = """
INSERT INTO resource (pk, type, id, version, position, recorded, updated, deleted, content, ledger)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (pk) DO UPDATE SET version = excluded.version, position = excluded.position,
    recorded = excluded.recorded, updated = excluded.updated, deleted = excluded.deleted,
    content = excluded.content, ledger = excluded.ledger
"""
_KEEP_OLD = """
INSERT OR REPLACE INTO version (pk, version, position, recorded, deleted, content, type, updated)
SELECT pk, version, position, recorded, deleted, content, type, updated FROM resource
WHERE pk = ? AND version < ?
"""

_DUMPED_VERSIONS = (
    "SELECT pk, version, position, recorded, deleted, content, updated FROM version ORDER BY pk, version"
)


class SqliteStorage:
    """One tenant in one SQLite file (``:memory:`` is not allowed: readers have their own connection)."""

    def __init__(self, path: Path):
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-writer")
        self._aside_now = 0
        self._pace = Pace()
        self._reader: sqlite3.Connection
        self._writer: sqlite3.Connection
        self._contained: SqliteContained
        self._cells: SqliteCells
        self._trail: SqliteTrail
        self._access_records = SqliteAccessRecords(path.with_name(f"{path.name}-access"))
        self._journals = SqliteJournals(path.with_name(f"{path.name}-journals"))

    async def open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        await self._write(self._open_writer)
        self._reader = self._connect()
        self._reader.execute("PRAGMA query_only = ON")
        self._names = Names(self._reader)
        self._index = SearchIndex(self._reader)
        self._aside = Aside(self._reader, self._index, self._connect)
        self._contained = SqliteContained(self._path.with_name(f"{self._path.name}-contained"))
        self._cells = SqliteCells(self._path.with_name(f"{self._path.name}-cells"))
        self._trail = SqliteTrail(self._path.with_name(f"{self._path.name}-audit"))

    @property
    def contained(self) -> SqliteContained:
        return self._contained

    @property
    def cells(self) -> SqliteCells:
        return self._cells

    @property
    def trail(self) -> SqliteTrail:
        return self._trail

    @property
    def access_records(self) -> SqliteAccessRecords:
        return self._access_records

    @property
    def journals(self) -> SqliteJournals:
        return self._journals

    async def sizes(self) -> Mapping[str, int]:
        """Bytes of the files."""
        parts = {"database": "", "wal": "-wal", "contained": "-contained", "cells": "-cells"}
        files = {part: self._path.with_name(self._path.name + suffix) for part, suffix in parts.items()}
        return {part: file.stat().st_size for part, file in files.items() if file.exists()}

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, isolation_level=None, check_same_thread=False, cached_statements=512
        )
        for pragma in (
            "busy_timeout = 10000",  # first: another process may be making the database
            "journal_mode = WAL",
            "synchronous = FULL",
            "cache_size = -8000",
            "temp_store = MEMORY",
        ):
            connection.execute(f"PRAGMA {pragma}")
        return connection

    def _open_writer(self) -> None:
        self._writer = self._connect()
        self._writer.execute("PRAGMA cache_size = -16000")
        self._writer.executescript(SCHEMA + names.SCHEMA)
        history.complete(self._writer)
        self._writer.executescript(search_index.SCHEMA + history.SCHEMA)
        index_words.create(self._writer)
        self._writer_names = Names(self._writer)
        self._writer_index = SearchIndex(self._writer)

    async def close(self) -> None:
        await self._contained.close()
        self._cells.close()
        await self._trail.close()
        self._access_records.close()
        await self._journals.close()
        await self._write(lambda: self._writer.close())
        self._thread.shutdown()
        self._aside.close()
        self._reader.close()

    async def _write(self, work: Any, *arguments: Any) -> Any:
        self._aside_now += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)
        finally:
            self._aside_now -= 1

    # writing

    async def append(self, expected: int, commits: Sequence[Commit], projection: Projection) -> None:
        if self._aside_now or not self._pace.is_short(len(projection.changes)):
            await self._write(self._append_timed, expected, commits, projection)
        else:
            self._append_timed(expected, commits, projection)

    def _append_timed(self, expected: int, commits: Sequence[Commit], projection: Projection) -> None:
        started = time.perf_counter()
        self._append(expected, commits, projection)
        self._pace.took(time.perf_counter() - started, len(projection.changes))

    def _append(self, expected: int, commits: Sequence[Commit], projection: Projection) -> None:
        rows = [
            (commit.position, commit.serial, commit.recorded, dumps(commit.as_json())) for commit in commits
        ]
        self._writer.execute("BEGIN IMMEDIATE")
        try:
            if self._head_and_projected() != (expected, expected):
                raise LostRace
            self._writer.executemany("INSERT INTO log VALUES (?, ?, ?, ?)", rows)
            self._project(projection)
            self._set_projected(commits[-1].position)
            self._writer.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise

    def _head_and_projected(self) -> tuple[int, int]:
        row = self._writer.execute(
            "SELECT (SELECT coalesce(max(position), 0) FROM log), position FROM projected"
        ).fetchone()
        return row[0], row[1]

    def _set_projected(self, position: int) -> None:
        self._writer.execute("UPDATE projected SET position = ?", (position,))

    def _roll_back(self) -> None:
        if self._writer.in_transaction:
            self._writer.execute("ROLLBACK")
        # Numbers given in the transaction are gone with it.
        self._writer_names = Names(self._writer)
        self._writer_index = SearchIndex(self._writer)

    async def project(self, projection: Projection, position: int | None = None) -> None:
        await self._write(self._project_alone, projection, position)

    def _project_alone(self, projection: Projection, position: int | None) -> None:
        self._writer.execute("BEGIN IMMEDIATE")
        try:
            if position is None or position > self._head_and_projected()[1]:
                self._project(self._news(projection))
            if position is not None:
                self._set_projected(max(position, self._head_and_projected()[1]))
            self._writer.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise

    def _news(self, projection: Projection) -> Projection:
        """Without the versions that are there already: their search rows are those of a newer one."""
        changes = [change for change in projection.changes if not (change.fresh and self._has(change.row))]
        return Projection(changes, projection.facts)

    def _has(self, row: Row) -> bool:
        stored = self._writer.execute("SELECT version FROM resource WHERE pk = ?", (row.pk,)).fetchone()
        return stored is not None and stored[0] >= row.version.version

    def _project(self, projection: Projection) -> None:
        changes = projection.changes
        updates = [
            (c.row.pk, c.row.version.version) for c in changes if c.fresh and c.row.version.version > 1
        ]
        indexed = [
            (c.row.pk, c.row.version.type, c.old_index, c.new_index)
            for c in changes
            if c.fresh and (c.old_index or c.new_index)
        ]
        if len({change.row.pk for change in changes}) == len(changes):
            self._writer.executemany(_KEEP_OLD, updates)
            self._writer.executemany(_UPSERT, [self._columns(change) for change in changes])
        else:
            self._project_in_turn(changes)
        self._writer_index.update_many(indexed)
        for fact in projection.facts:
            self._write_fact(fact)

    def _project_in_turn(self, changes: Sequence[Change]) -> None:
        """The same resource changed twice in the batch: each version has to be kept before the next."""
        for change in changes:
            self._writer.execute(_KEEP_OLD, (change.row.pk, change.row.version.version))
            self._writer.execute(_UPSERT, self._columns(change))

    def _columns(self, change: Change) -> tuple[Any, ...]:
        row, version = change.row, change.row.version
        return (
            row.pk,
            self._writer_names.number(version.type),
            version.id,
            version.version,
            version.position,
            version.recorded,
            microseconds(version.recorded),
            int(version.deleted),
            version.content,
            row.ledger,
        )

    def _write_fact(self, fact: Fact) -> None:
        self._writer.execute(
            "INSERT INTO fact VALUES (?, ?, ?, ?) ON CONFLICT (kind, key) DO UPDATE SET "
            "value = excluded.value, position = excluded.position WHERE excluded.position > fact.position",
            (fact.kind, fact.key, dumps(fact.value), fact.position),
        )

    async def reindex(self, type: str, codes: frozenset[str], resources: Sequence[Reindexed]) -> None:
        await self._write(self._reindex, type, codes, resources)

    def _reindex(self, type: str, codes: frozenset[str], resources: Sequence[Reindexed]) -> None:
        self._writer.execute("BEGIN IMMEDIATE")
        try:
            for one in resources:
                row = self._writer.execute(
                    _CURRENT_NUMBER, (self._writer_names.find(type), one.key.id)
                ).fetchone()
                if row is not None and row[1] == one.version:
                    self._writer_index.replace(row[0], type, codes, one.values)
            self._writer.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise

    async def indexed_params(self) -> set[tuple[str, str]]:
        return self._index.params()

    async def clear_projections(self) -> None:
        await self._write(self._clear)

    def _clear(self) -> None:
        self._writer.execute("BEGIN IMMEDIATE")
        for table in (*_PROJECTIONS, *search_index.TABLES):
            self._writer.execute(f"DELETE FROM {table}")  # noqa: S608 - fixed names
        self._set_projected(0)
        self._writer.execute("COMMIT")

    # reading

    async def head(self) -> Head:
        row = self._reader.execute(
            "SELECT l.position, l.serial, l.recorded, p.position FROM projected p, log l "
            "ORDER BY l.position DESC LIMIT 1"
        ).fetchone()
        return Head(*row) if row else Head()

    async def read_log(self, after: int, limit: int) -> Sequence[Commit]:
        rows = self._reader.execute(
            "SELECT data FROM log WHERE position > ? ORDER BY position LIMIT ?", (after, limit)
        ).fetchall()
        return [Commit.from_json(loads(row[0])) for row in rows]

    async def read(self, type: str, id: str) -> Version | None:
        row = self._reader.execute(_CURRENT, (self._names.find(type), id)).fetchone()
        if row is None:
            return None
        return Version(type, row[0], row[1], row[2], row[3], bool(row[4]), row[5])

    async def rows(self, keys: Iterable[Key]) -> dict[Key, Row]:
        found: dict[Key, Row] = {}
        for key in keys:
            row = self._reader.execute(_ROW, (self._names.find(key.type), key.id)).fetchone()
            if row is not None:
                version = Version(*key, row[1], row[2], row[3], bool(row[4]), row[5])
                found[key] = Row(row[0], version, row[6])
        return found

    async def read_version(self, type: str, id: str, version: int) -> Version | None:
        current = await self.read(type, id)
        if current is None or current.version == version:
            return current
        row = self._reader.execute(
            "SELECT v.position, v.recorded, v.deleted, v.content FROM version v JOIN resource r USING (pk) "
            "WHERE r.type = ? AND r.id = ? AND v.version = ?",
            (self._names.find(type), id, version),
        ).fetchone()
        return Version(type, id, version, row[0], row[1], bool(row[2]), row[3]) if row else None

    async def versions_at(self, keys: Iterable[Key], position: int) -> dict[Key, Numbered]:
        past = History(self._reader)
        found = ((key, past.version_at(key, position)) for key in keys)
        return {key: one for key, one in found if one is not None}

    async def history(self, type: str, id: str, count: int, before: int | None) -> Sequence[Version]:
        limit = before if before is not None else 2**62
        rows = self._reader.execute(
            "SELECT * FROM (SELECT version, position, recorded, deleted, content FROM resource "
            "WHERE type = ?1 AND id = ?2 UNION ALL "
            "SELECT v.version, v.position, v.recorded, v.deleted, v.content FROM version v "
            "JOIN resource r USING (pk) WHERE r.type = ?1 AND r.id = ?2) "
            "WHERE version < ?3 ORDER BY version DESC LIMIT ?4",
            (self._names.find(type), id, limit, count),
        ).fetchall()
        return [Version(type, id, row[0], row[1], row[2], bool(row[3]), row[4]) for row in rows]

    async def select_history(self, query: HistoryQuery) -> HistoryPage:
        return await self._aside.run(lambda index: History(index.connection).page(query))

    async def count_history(self, query: HistoryQuery) -> int:
        return await self._aside.run(lambda index: History(index.connection).count(query))

    async def settle(self, count: int) -> bool:
        return index_words.is_unread(self._reader) and bool(await self._write(self._read_words, count))

    def _read_words(self, count: int) -> bool:
        self._writer.execute("BEGIN IMMEDIATE")
        try:
            more = index_words.read_some(self._writer, count)
            self._writer.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        return more

    async def _settled(self, query: Query) -> None:
        """Have the words of all resources read, if they are asked for."""
        if asks_for_words(query.where):
            while await self.settle(_WORDS_AT_ONCE):
                pass

    async def search(self, query: Query) -> Page:
        await self._settled(query)
        return await self._aside.settling(query, lambda index, settled: index.search(settled))

    async def explain(self, query: Query) -> Sequence[str]:
        await self._settled(query)
        return await self._aside.settling(query, lambda index, settled: index.explain(settled))

    async def count(self, query: Query) -> int:
        await self._settled(query)
        return await self._aside.settling(query, lambda index, settled: index.count(settled))

    async def in_use(self, type: str, param: str) -> Sequence[tuple[str, str]]:
        return await self._aside.run(lambda index: index.in_use(type, param))

    async def fact(self, kind: str, key: str) -> Fact | None:
        row = self._reader.execute(_FACT, (kind, key)).fetchone()
        return Fact(kind, key, loads(row[0]), row[1]) if row else None

    async def facts_named(self, names: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Fact]:
        execute = self._reader.execute  # one after the other is faster than any join
        rows = ((name, execute(_FACT, name).fetchone()) for name in names)
        return {name: Fact(*name, loads(row[0]), row[1]) for name, row in rows if row}

    async def facts(self, kind: str, prefix: str = "") -> Sequence[Fact]:
        rows = self._reader.execute(
            "SELECT key, value, position FROM fact WHERE kind = ? AND key >= ? AND key < ? ORDER BY key",
            (kind, prefix, prefix + "\U0010ffff"),
        ).fetchall()
        return [Fact(kind, row[0], loads(row[1]), row[2]) for row in rows]

    async def dump(self) -> Iterable[bytes]:
        return self._dump()

    def _dump(self) -> Iterable[bytes]:
        for row in self._reader.execute(
            "SELECT n.name, r.* FROM resource r JOIN name n ON n.id = r.type ORDER BY r.pk"
        ):
            yield repr((row[0], row[1], *row[3:])).encode()
        for row in self._reader.execute(_DUMPED_VERSIONS):
            yield repr(row).encode()
        for row in self._reader.execute("SELECT * FROM fact ORDER BY kind, key"):
            yield repr(row).encode()
        yield from self._index.dump()
