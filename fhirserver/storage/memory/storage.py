"""A tenant in memory: the same promises as the others but for durability.

Nothing here awaits, so every call is atomic. Several stores may share one object: each then meets
:class:`~fhirserver.ports.log.LostRace` like two servers on one database.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

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
    Place,
    Projection,
    Reindexed,
    Row,
    Version,
)
from fhirserver.search.expression import Query
from fhirserver.search.values import IndexValue
from fhirserver.storage.memory.access_records import MemoryAccessRecords
from fhirserver.storage.memory.audit import MemoryTrail
from fhirserver.storage.memory.cells import MemoryCells
from fhirserver.storage.memory.contained import MemoryContained
from fhirserver.storage.memory.index import MemoryIndex
from fhirserver.storage.memory.journals import MemoryJournals


class MemoryStorage:
    """One tenant in this process. Closing keeps everything: opening again finds it."""

    def __init__(self) -> None:
        self._log: list[bytes] = []
        self._head = Head()
        self._projected = 0
        self._contained = MemoryContained()
        self._cells = MemoryCells()
        self._trail = MemoryTrail()
        self._access_records = MemoryAccessRecords()
        self._journals = MemoryJournals()
        self._clear()

    @property
    def contained(self) -> MemoryContained:
        return self._contained

    @property
    def cells(self) -> MemoryCells:
        return self._cells

    @property
    def trail(self) -> MemoryTrail:
        return self._trail

    @property
    def access_records(self) -> MemoryAccessRecords:
        return self._access_records

    @property
    def journals(self) -> MemoryJournals:
        return self._journals

    def _clear(self) -> None:
        self._rows: dict[Key, Row] = {}
        self._keys: dict[int, Key] = {}
        self._values: dict[Key, Sequence[IndexValue]] = {}
        self._old: dict[Key, dict[int, Version]] = {}
        self._facts: dict[tuple[str, str], Fact] = {}
        self._index = MemoryIndex()

    async def open(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to close."""

    # writing

    async def append(self, expected: int, commits: Sequence[Commit], projection: Projection) -> None:
        if (self._head.position, self._projected) != (expected, expected):
            raise LostRace
        entries = [dumps(commit.as_json()) for commit in commits]
        last = commits[-1]
        self._log += entries
        self._head = Head(last.position, last.serial, last.recorded)
        self._project(projection)
        self._projected = last.position

    async def project(self, projection: Projection, position: int | None = None) -> None:
        if position is None or position > self._projected:
            self._project(projection)
            self._projected = max(self._projected, position or 0)

    def _project(self, projection: Projection) -> None:
        for change in projection.changes:
            self._apply(change)
        for fact in projection.facts:
            known = self._facts.get((fact.kind, fact.key))
            if known is None or known.position < fact.position:
                self._facts[fact.kind, fact.key] = fact

    def _apply(self, change: Change) -> None:
        """A version that is there already, or a newer one, makes the change an old story."""
        version = change.row.version
        key = Key(version.type, version.id)
        stored = self._rows.get(key)
        if change.fresh and stored is not None:
            if stored.version.version >= version.version:
                return
            self._old.setdefault(key, {})[stored.version.version] = stored.version
        self._rows[key] = change.row
        self._keys[change.row.pk] = key
        if change.fresh:
            self._reindex(key, change)

    def _reindex(self, key: Key, change: Change) -> None:
        pk, version = change.row.pk, change.row.version
        if version.deleted:
            self._values.pop(key, None)
            self._index.remove(pk, key.type)
        else:
            self._values[key] = change.new_index
            updated = microseconds(version.recorded)
            self._index.put(pk, key.type, key.id, updated, change.new_index, version.content)

    async def reindex(self, type: str, codes: frozenset[str], resources: Sequence[Reindexed]) -> None:
        for one in resources:
            row = self._rows.get(one.key)
            if row is not None and row.version.version == one.version and not row.version.deleted:
                self._values[one.key] = one.values
                updated = microseconds(row.version.recorded)
                self._index.put(row.pk, type, one.key.id, updated, one.values)

    async def indexed_params(self) -> set[tuple[str, str]]:
        return {(key.type, value.param) for key, values in self._values.items() for value in values}

    async def clear_projections(self) -> None:
        self._projected = 0
        self._clear()

    # reading

    async def head(self) -> Head:
        head = self._head
        return Head(head.position, head.serial, head.recorded, self._projected)

    async def read_log(self, after: int, limit: int) -> Sequence[Commit]:
        return [Commit.from_json(loads(entry)) for entry in self._log[after : after + limit]]

    async def read(self, type: str, id: str) -> Version | None:
        row = self._rows.get(Key(type, id))
        return row.version if row else None

    async def rows(self, keys: Iterable[Key]) -> dict[Key, Row]:
        return {key: self._rows[key] for key in keys if key in self._rows}

    async def read_version(self, type: str, id: str, version: int) -> Version | None:
        current = await self.read(type, id)
        if current is None or current.version == version:
            return current
        return self._old.get(Key(type, id), {}).get(version)

    async def versions_at(self, keys: Iterable[Key], position: int) -> dict[Key, Numbered]:
        found: dict[Key, Numbered] = {}
        for key in keys:
            versions = [one for one in await self.history(*key, 2**62, None) if one.position <= position]
            if versions:
                found[key] = Numbered(self._rows[key].pk, versions[0])
        return found

    async def history(self, type: str, id: str, count: int, before: int | None) -> Sequence[Version]:
        current = await self.read(type, id)
        if current is None:
            return []
        versions = [current, *self._old.get(Key(type, id), {}).values()]
        found = [version for version in versions if before is None or version.version < before]
        return sorted(found, key=lambda version: -version.version)[:count]

    async def select_history(self, query: HistoryQuery) -> HistoryPage:
        found = sorted(self._versions(query), reverse=not query.ascending)
        if query.after is not None:
            last = query.after
            found = [one for one in found if (one[0] > last if query.ascending else one[0] < last)]
        page = found[: query.count]
        more = len(found) > len(page) > 0
        return HistoryPage([version for _, version in page], page[-1][0] if more else None)

    async def count_history(self, query: HistoryQuery) -> int:
        return sum(1 for _ in self._versions(query))

    def _versions(self, query: HistoryQuery) -> Iterator[tuple[Place, Version]]:
        keys = query.keys
        for key, row in self._rows.items():
            if query.type not in ("", key.type) or (keys is not None and key not in keys):
                continue
            ended: int | None = None
            for version in (row.version, *reversed(self._old.get(key, {}).values())):
                updated = microseconds(version.recorded)
                if query.admits(updated, ended, version.deleted):
                    yield Place(updated, version.position, row.pk, version.version), version
                ended = updated

    async def settle(self, count: int) -> bool:
        """Nothing is put off."""
        return False

    async def search(self, query: Query) -> Page:
        numbers, cursor = await self._index.select_settled(query)
        return Page([self._rows[self._keys[number]].version for number in numbers], cursor)

    async def explain(self, query: Query) -> Sequence[str]:
        return ["every current resource of the type is tested"]

    async def count(self, query: Query) -> int:
        return await self._index.count_settled(query)

    async def in_use(self, type: str, param: str) -> Sequence[tuple[str, str]]:
        return self._index.in_use(type, param)

    async def fact(self, kind: str, key: str) -> Fact | None:
        return self._facts.get((kind, key))

    async def facts_named(self, names: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Fact]:
        return {name: self._facts[name] for name in names if name in self._facts}

    async def facts(self, kind: str, prefix: str = "") -> Sequence[Fact]:
        found = [fact for fact in self._facts.values() if fact.kind == kind and fact.key.startswith(prefix)]
        return sorted(found, key=lambda fact: fact.key)

    async def dump(self) -> Iterable[bytes]:
        lines: list[object] = [self._rows[self._keys[number]] for number in sorted(self._keys)]
        for key in sorted(self._old):
            lines += [version for _, version in sorted(self._old[key].items())]
        lines += [self._facts[name] for name in sorted(self._facts)]
        lines += [(key, self._values[key]) for key in sorted(self._values)]
        return [repr(line).encode() for line in lines]
