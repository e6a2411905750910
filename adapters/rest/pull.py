"""Pulling: for each resource a whole list where one is due, else the changes since the last time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from adapters.rest.cursor import NO_DAY, Mark, read_cursor, write_cursor
from adapters.rest.exchange import Exchange
from adapters.rest.expressions import Scope
from adapters.rest.mapping import Changes, Listing, Resource
from adapters.rest.paging import Lister
from adapters.rest.reader import Reader
from adapters.rest.walk import Walk, Walker
from fhirserver.kernel.instants import instant
from fhirserver.kernel.json import Json, JsonObject
from fhirserver.ports.ehr import Gone, Page, Record

MOST_SEEN = 100_000
_AT_ONCE = 200


class Puller:
    """Pulls from one vendor. It remembers what it handed out, to be silent on what did not change; forgetting that
    (a new process) only has the records handed out once more."""

    def __init__(self, exchange: Exchange, lister: Lister, reader: Reader, types: Sequence[str] = ()):
        self._exchange, self._lister, self._reader = exchange, lister, reader
        self._walker = Walker(reader)
        self._types = types
        self._seen: dict[str, str] = {}
        self._settled: set[str] = set()
        self._subscribed: set[str] = set()
        self._named: dict[tuple[str, str], None] = {}
        self.moved: dict[str, dict[str, str]] = {}
        """What pushes moved, by type: learnt before any list tells of it."""

    def name(self, type: str, id: str) -> None:
        """Have a record read with the next pull: somebody said that it changed."""
        self._named[type, id] = None

    async def pages(self, cursor: JsonObject | None) -> AsyncIterator[Page]:
        """See :meth:`fhirserver.ports.ehr.Ehr.pull`."""
        mapping = self._reader.mapping
        marks = read_cursor(cursor, mapping.name)
        await self._reader.prepare()
        async for records in self._read_named():
            yield Page(records, write_cursor(marks, mapping.name))
            self._remember(records)
        for resource in mapping.resources.values():
            if resource.list is None or (self._types and resource.type not in self._types):
                continue
            before = marks.get(resource.type, Mark())
            async for records, mark in self._resource(resource, before):
                marks[resource.type] = mark
                if fresh := self._fresh(records):
                    yield Page(fresh, write_cursor(marks, mapping.name))
                    self._remember(fresh)
            self._settled.add(resource.type)
        yield Page((), write_cursor(marks, mapping.name))

    def _fresh(self, records: Sequence[Record]) -> list[Record]:
        """The records without those handed out before and without a second of the same."""
        found: dict[str, Record] = {}
        for record in records:
            wanted = not self._types or record.type in self._types
            if wanted and self._seen.get(record.reference) != record.version:
                found[f"{record.reference}/{record.version}"] = record
        return list(found.values())

    def _remember(self, records: Sequence[Record]) -> None:
        for record in records:
            self._seen.pop(record.reference, None)
            self._seen[record.reference] = record.version
        while len(self._seen) > MOST_SEEN:
            del self._seen[next(iter(self._seen))]

    def forget(self, record: Record) -> None:
        """What was handed out otherwise, so that the next list does not take it for known."""
        self._seen.pop(record.reference, None)

    async def _read_named(self) -> AsyncIterator[list[Record]]:
        while self._named:
            type, id = next(iter(self._named))
            record = await self._read_or_gone(self._reader.resource(type), id)
            yield [record]
            self._named.pop((type, id), None)

    async def _read_or_gone(self, resource: Resource, id: str) -> Record:
        try:
            return await self._reader.read(resource.type, id)
        except Gone:
            return Record(resource.type, id, "deleted", "", {}, deleted=True)

    async def _resource(self, resource: Resource, mark: Mark) -> AsyncIterator[tuple[list[Record], Mark]]:
        listing = resource.list
        if listing is None:
            return
        walk = Walk(resource, {**mark.moved, **self.moved.get(resource.type, {})})
        if resource.changes is not None and resource.changes.subscribe is not None:
            await self._subscribe(resource)
        if self._is_due(listing, mark):
            async for page in self._list(walk, listing, mark):
                yield page
        elif resource.changes is not None:
            async for page in self._changed(walk, resource.changes, mark):
                yield page

    def _is_due(self, listing: Listing, mark: Mark) -> bool:
        if mark.listed is None:
            return True
        age = (self._exchange.now - mark.listed).total_seconds()
        return bool(listing.every) and age >= listing.every

    async def _subscribe(self, resource: Resource) -> None:
        """Ask the vendor to keep the feed; it is asked once by each process, which does no harm."""
        changes = resource.changes
        if changes is None or changes.subscribe is None or resource.type in self._subscribed:
            return
        await self._lister.get(self._exchange.make(changes.subscribe, {}, self._reader.inward.scope()))
        self._subscribed.add(resource.type)

    # Whole lists

    async def _list(
        self, walk: Walk, listing: Listing, before: Mark
    ) -> AsyncIterator[tuple[list[Record], Mark]]:
        started: datetime | None = None
        async for found, date, scope in self._listed(listing):
            started = started or date
            async for records in self._in_lots(walk, found, scope):
                yield records, replace(before, moved=walk.moved)
        started = started or self._exchange.now
        async for records in self._absent(walk.resource, listing, walk, before):
            yield records, replace(before, moved=walk.moved)
        self._reader.keep(walk.resource, walk.raw)
        ids = {day: frozenset(ids) for day, ids in walk.ids.items()} if listing.absent != "ignore" else {}
        yield [], Mark(before.since or started, started, ids, walk.moved)

    async def _listed(self, listing: Listing) -> AsyncIterator[tuple[list[Json], datetime, Scope]]:
        """The vendor's pages, of one list or of one for each of the records it is asked for."""
        holders: list[Json] = [None]
        if listing.each:
            holders = self._reader.kept(listing.each)
        for holder in holders:
            scope = self._reader.inward.scope(each=holder)
            made = self._exchange.make(listing.request, {}, scope)
            async for page in self._lister.pages(made, listing.records, listing.paging, scope):
                yield page.records, page.date, scope

    async def _in_lots(self, walk: Walk, found: Sequence[Json], scope: Scope) -> AsyncIterator[list[Record]]:
        lot: list[Record] = []
        async for record in self._walker.records(walk, found, scope):
            lot.append(record)
            if len(lot) >= _AT_ONCE:
                yield lot
                lot = []
        if lot:
            yield lot

    async def _absent(
        self, resource: Resource, listing: Listing, walk: Walk, before: Mark
    ) -> AsyncIterator[list[Record]]:
        """What was listed before and is not now, unless its day is past."""
        if listing.absent == "ignore":
            return
        listed = set().union(*walk.ids.values()) if walk.ids else set()
        today = self._today()
        for day, ids in before.ids.items():
            if day != NO_DAY and day < today:
                continue
            for id in sorted(ids - listed):
                if listing.absent == "read":
                    yield [await self._read_or_gone(resource, id)]
                else:
                    yield [Record(resource.type, id, "deleted", "", {}, deleted=True)]

    def _today(self) -> str:
        return self._reader.evaluator.functions.local(self._exchange.now).date().isoformat()

    # Changes

    async def _changed(
        self, walk: Walk, changes: Changes, mark: Mark
    ) -> AsyncIterator[tuple[list[Record], Mark]]:
        since = (mark.since or self._exchange.now) - timedelta(seconds=changes.overlap)
        started = self._exchange.now
        if not changes.consuming or (changes.again is not None and walk.resource.type not in self._settled):
            async for records, date in self._feed(walk, changes, since, again=changes.consuming):
                started = min(started, date)
                yield records, replace(mark, moved=walk.moved)
        self._settled.discard(walk.resource.type)
        if changes.consuming:
            async for records in self._consumed(walk, changes, since):
                yield records, replace(mark, moved=walk.moved)
        yield [], replace(mark, since=started, moved=walk.moved)

    async def _feed(
        self, walk: Walk, changes: Changes, since: datetime, again: bool
    ) -> AsyncIterator[tuple[list[Record], datetime]]:
        """The feed by time; of a consuming one what was taken from it before and perhaps not kept."""
        scope = self._since(since)
        made = self._exchange.make(changes.request, {}, scope, changes.again if again else None)
        async for page in self._lister.pages(made, changes.records, changes.paging, scope):
            async for records in self._in_lots(walk, page.records, scope):
                yield records, page.date

    async def _consumed(self, walk: Walk, changes: Changes, since: datetime) -> AsyncIterator[list[Record]]:
        """A feed from which each answer takes what it holds: asked from its beginning until it is empty.

        Never asked again after a lost answer, which may have taken what it held: the failure ends this pull,
        and the next one begins with what was taken before.
        """
        scope = self._since(since)
        made = self._exchange.make(changes.request, {}, scope)
        while found := await self._lister.once(made, changes.records, changes.paging, scope):
            async for records in self._in_lots(walk, found, scope):
                yield records

    def _since(self, since: datetime) -> Scope:
        return self._reader.inward.scope(since=instant(since), until=instant(self._exchange.now))
