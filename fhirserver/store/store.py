"""The store of one tenant: the only way to write, and the reads that go with it.

A command waits in a queue. One committer takes all that wait, decides each on the state the ones before it
left, appends those that were accepted in one storage transaction (group commit), and answers each with its
own outcome. When somebody else appended first, it decides again on the new state.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from contextvars import ContextVar
from dataclasses import replace
from typing import Any, ClassVar

from fhirserver.kernel.instants import Clock, SystemClock, instant
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.log import Commit
from fhirserver.ports.storage import (
    Fact,
    HistoryPage,
    HistoryQuery,
    Key,
    Page,
    Projection,
    Shared,
    Storage,
    Version,
)
from fhirserver.search.expression import Query
from fhirserver.search.following import following
from fhirserver.store.arrivals import Arrivals
from fhirserver.store.commands import Command, Outcome, Put
from fhirserver.store.committer import REPLAY_BATCH, Committer, closed
from fhirserver.store.contained import ContainedResources
from fhirserver.store.generation import indexed_now
from fhirserver.store.merges import Merges
from fhirserver.store.project import Extract
from fhirserver.store.provenance import PROJECTED, provenance_changes, touched_by
from fhirserver.store.reindexing import reindex
from fhirserver.store.search_parameters import SearchParameters
from fhirserver.store.state import Policies
from fhirserver.store.tail import Tail
from fhirserver.world.entity import Entity, from_row
from fhirserver.world.ledger import Ledger
from fhirserver.world.render import clean
from fhirserver.world.voices import path

LOOK_SECONDS = 0.05
"""How soon a commit of another process on the same storage is noticed."""


MADE: ContextVar[set[int] | None] = ContextVar("commits made", default=None)
"""Where the positions of the commits are put that are made on behalf of the caller; the audit names them."""


class Store:
    """Reads and writes of one tenant. Open it before use; closing drains the queue."""

    hidden: ClassVar[frozenset[str]] = frozenset()
    """Types that are not there in this view of it."""

    def __init__(
        self, storage: Storage, policies: Policies, extract: Extract | None = None, clock: Clock | None = None
    ) -> None:
        """Without ``extract``, resources are indexed by the parameters of R4 and those stored."""
        self.storage, self.policies, self.parameters = storage, policies, SearchParameters(storage)
        self._extract = extract or self.parameters.extract
        self.contained = ContainedResources(storage, self.parameters, self._extract)
        following = None if extract else self.parameters
        self._clock = clock or SystemClock()
        self._is_shared = isinstance(storage, Shared)
        self.merges = Merges(storage)
        self.arrivals = Arrivals()
        self._tail = Tail(storage)
        self._committer = Committer(
            storage, policies, self._extract, self._clock, self._reached, following, self.merges
        )
        self._running: asyncio.Task[None] | None = None
        self._advanced = asyncio.Event()
        self._derive = asyncio.Lock()
        self.indexing = asyncio.Lock()
        """Held while what is stored is indexed again."""
        self.head = 0

    async def open(self) -> None:
        """Open the storage, finish what a crash left unprojected, start the committer."""
        await self.storage.open()
        self.head = (await self._committer.caught_up()).position
        if not self.head:
            await indexed_now(self.storage)
        self._running = asyncio.create_task(self._committer.run(), name="committer")

    async def close(self) -> None:
        """Commit what waits, then close the storage."""
        if self._running is not None:
            await self._committer.close()
            await self._running
            self._running = None
        await self.storage.close()

    async def submit(self, command: Command) -> Outcome:
        """Decide and commit. Returns when the outcome is durable. Raises :class:`Refusal`.

        A cancelled caller does not undo the command: it may be committed all the same.
        """
        if self._running is None or self._running.done():
            raise closed()
        outcome = await self._committer.submit(command)
        made = MADE.get()
        if made is not None and outcome.commit:
            made.add(outcome.position)
        return outcome

    def prepared(self, put: Put) -> Put:
        """The same write, with what needs no state done already: others' writes wait for its decision."""
        content = clean(put.content)
        index = self.parameters.prepare({**content, "resourceType": put.type, "id": put.id})
        return put if index is None else replace(put, content=content, prepared=index)

    async def rehearse(self, command: Command) -> Outcome:
        """What :meth:`submit` would do on what is stored now; raises what it would refuse. Nothing is written."""
        return await self._committer.rehearse(command)

    def _reached(self, position: int) -> None:
        """The log is as long as ``position``: wake who waits for that."""
        self.head = position
        self._advanced.set()
        self._advanced = asyncio.Event()

    async def rebuild(self, progress: object = None) -> int:
        """Drop all projections and make them again from the log. Returns the number of commits."""
        await self.storage.clear_projections()
        await self.storage.contained.clear()
        await indexed_now(self.storage)
        head = await self._committer.caught_up()
        await self.derive_provenance()
        await self.complete_index()
        return head.position

    async def complete_index(self) -> None:
        """Index what is stored by the search parameters that users defined, and by no others."""
        await self.parameters.refresh()
        if self.parameters.complete:
            return
        if "Provenance" in self.parameters.current.own:
            await self.derive_provenance()
        async with self.indexing:
            while not await reindex(self.storage, self.parameters):
                pass

    def extract(self, resource: JsonObject, codes: frozenset[str] | None = None) -> Sequence[Any]:
        """The search values of a resource by the parameters there are now, at least by those with these ``codes``."""
        return self._extract(resource) if codes is None else self.parameters.extract(resource, codes)

    def now(self) -> str:
        """The present instant, as the store's clock has it."""
        return instant(self._clock.now())

    async def derive_provenance(self, until: int | None = None) -> None:
        """Bring the Provenance resources, which are derived from the log, up to a position or its head."""
        if until is not None:
            known = await self.storage.fact(*PROJECTED)
            if known is not None and known.value["position"] >= until:
                return
        while await self.derive_some(REPLAY_BATCH):
            pass

    async def derive_some(self, count: int) -> bool:
        """Derive the Provenances of at most ``count`` more commits; False when there are none left."""
        async with self._derive:
            await self.parameters.refresh()
            known = await self.storage.fact(*PROJECTED)
            position = known.value["position"] if known else 0
            behind = (
                await self.storage.head()
            ).projected - position  # it is said of versions: they must be there
            commits = await self.storage.read_log(position, min(count, behind)) if behind > 0 else ()
            if not commits:
                return False
            touched = {one.position: await touched_by(self.storage, one) for one in commits}
            changes = provenance_changes(commits, touched, self._extract)
            value = {
                "position": commits[-1].position,
                "patients": not known or known.value.get("patients", False),
            }
            fact = Fact(*PROJECTED, value, commits[-1].position)
            await self.storage.project(Projection(changes, (fact,)))
            return True

    async def wait_beyond(self, position: int, seconds: float) -> bool:
        """Wait until the log is longer than ``position``, at most ``seconds``; True when it is.

        This process's commits wake it at once; those of others that share the storage are looked for now and
        then, on other storages when the time is up.
        """
        until = time.monotonic() + seconds
        step = LOOK_SECONDS if self._is_shared else seconds
        while not await self._beyond(position, min(step, max(0.0, until - time.monotonic()))):
            if time.monotonic() >= until:
                return False
        return True

    async def _beyond(self, position: int, seconds: float) -> bool:
        """Wait once, then look at the storage."""
        advanced = self._advanced
        if self.head > position:
            return True
        woken = asyncio.ensure_future(advanced.wait())  # wait_for can lose a cancellation in Python 3.11
        try:
            await asyncio.wait({woken}, timeout=seconds)
        finally:
            woken.cancel()
        if self.head <= position:
            self.head = max(self.head, (await self.storage.head()).position)
        return self.head > position

    async def entity(self, type: str, id: str) -> Entity | None:
        """The resource with its ledger, also when deleted."""
        rows = await self.storage.rows([Key(type, id)])
        row = rows.get(Key(type, id))
        return from_row(row) if row else None

    async def standing(self, type: str, id: str) -> tuple[Entity | None, str]:
        """What holds the claims about a resource, and the origin they have there: empty unless it was merged."""
        entity, ids = await self.entity(type, id), list[str]()
        while entity is not None and entity.ledger.into:
            ids.append(entity.key.id)
            entity = await self.entity(type, entity.ledger.into)
        return entity, path(ids)

    async def ledger(self, type: str, id: str) -> Ledger | None:
        entity = await self.entity(type, id)
        return entity.ledger if entity else None

    async def read(self, type: str, id: str) -> Version | None:
        """The newest version, also a deleted one."""
        return await self.storage.read(type, id)

    async def read_version(self, type: str, id: str, version: int) -> Version | None:
        return await self.storage.read_version(type, id, version)

    async def history(self, type: str, id: str, count: int, before: int | None = None) -> Sequence[Version]:
        return await self.storage.history(type, id, count, before)

    async def select_history(self, query: HistoryQuery) -> HistoryPage:
        return await self.storage.select_history(query)

    async def is_derived(self, type: str, id: str) -> bool:
        """Whether a resource follows from the log, and nobody stated it."""
        rows = await self.storage.rows([Key(type, id)])
        return any(row.pk < 0 for row in rows.values())

    async def count_history(self, query: HistoryQuery) -> int | None:
        return await self.storage.count_history(query)

    async def search(self, query: Query) -> Page:
        """What a query finds; what refers to something merged is found by that and by what it was merged into."""
        return await self.storage.search(await self._followed(query))

    async def count(self, query: Query) -> int:
        return await self.storage.count(await self._followed(query))

    async def _followed(self, query: Query) -> Query:
        merged = await self.merges.recent()
        return following(query, merged) if merged else query

    async def in_use(self, type: str, param: str) -> Sequence[tuple[str, str]]:
        return await self.storage.in_use(type, param)

    async def read_log(self, after: int, limit: int) -> Sequence[Commit]:
        return await self._tail.read(after, limit)

    async def fact(self, kind: str, key: str) -> Fact | None:
        return await self.storage.fact(kind, key)

    async def facts_named(self, names: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Fact]:
        return await self.storage.facts_named(names)

    async def facts(self, kind: str, prefix: str = "") -> Sequence[Fact]:
        return await self.storage.facts(kind, prefix)
