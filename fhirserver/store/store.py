"""The store of one tenant: the only way to write, and the reads that go with it.

A command waits in a queue. One committer takes all that wait, decides each on the state the ones before it
left, appends those that were accepted in one storage transaction (group commit), and answers each with its
own outcome. When somebody else appended first, it decides again on the new state.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from fhirserver.kernel.instants import Clock, SystemClock, instant
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.ports.log import Commit, LostRace
from fhirserver.ports.storage import Change, Fact, Head, Key, Page, Projection, Storage, Version
from fhirserver.search.expression import Query
from fhirserver.store.commands import Command, Note, Outcome, Put
from fhirserver.store.decide import Decided, Matches, Policies, State, decide
from fhirserver.store.project import Extract, Projector, replay, touched_keys
from fhirserver.store.provenance import PROJECTED, provenance_changes
from fhirserver.world.entity import Entity, from_row
from fhirserver.world.ledger import Ledger

MAX_BATCH = 64
REPLAY_BATCH = 200


@dataclass(slots=True)
class _Waiting:
    command: Command
    answer: asyncio.Future[Outcome]


@dataclass(slots=True)
class _Batch:
    """What one group commit has gathered so far."""

    state: State
    projector: Projector
    recorded: str
    commits: list[Commit] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    answers: list[tuple[_Waiting, Outcome | Refusal | Exception]] = field(default_factory=list)

    def accept(self, waiting: _Waiting, decided: Decided) -> None:
        self.answers.append((waiting, decided.outcome))
        if decided.commit is None:
            return
        self.commits.append(decided.commit)
        for entity in decided.entities:
            self.changes.append(self.projector.change(self.state.entities.get(entity.key), entity))
            self.state.entities[entity.key] = entity
        for fact in decided.facts:
            self.facts.append(fact)
            self.state.facts[fact.kind, fact.key] = fact
        self.state.position, self.state.serial = decided.commit.position, decided.commit.serial

    def touches(self, types: Iterable[str]) -> bool:
        """Whether a search on one of the types could miss what this batch has not written yet."""
        changed = {change.row.version.type for change in self.changes}
        return any(type in changed for type in types)


class Store:
    """Reads and writes of one tenant. Open it before use; closing drains the queue."""

    def __init__(
        self, storage: Storage, policies: Policies, extract: Extract, clock: Clock | None = None
    ) -> None:
        self.storage, self.policies = storage, policies
        self._extract, self._clock = extract, clock or SystemClock()
        self._queue: asyncio.Queue[_Waiting | None] = asyncio.Queue()
        self._committer: asyncio.Task[None] | None = None
        self._advanced = asyncio.Event()
        self._derive = asyncio.Lock()
        self.head = 0

    async def open(self) -> None:
        """Open the storage, finish what a crash left unprojected, start the committer."""
        await self.storage.open()
        self.head = (await self._caught_up()).position
        self._committer = asyncio.create_task(self._run(), name="committer")

    async def close(self) -> None:
        """Commit what waits, then close the storage."""
        if self._committer is not None:
            await self._queue.put(None)
            await self._committer
            self._committer = None
        await self.storage.close()

    async def submit(self, command: Command) -> Outcome:
        """Decide and commit. Returns when the outcome is durable. Raises :class:`Refusal`.

        A cancelled caller does not undo the command: it may be committed all the same.
        """
        if self._committer is None or self._committer.done():
            raise refuse(Category.BUSY, "transient", "The store is closed")
        waiting = _Waiting(command, asyncio.get_running_loop().create_future())
        await self._queue.put(waiting)
        return await waiting.answer

    async def _run(self) -> None:
        left: list[_Waiting] = []
        closing = False
        while not (closing and not left):
            if not left:
                first = await self._queue.get()
                if first is None:
                    return
                left.append(first)
            closing |= self._take_waiting(left)
            left = await self._commit(left)

    def _take_waiting(self, left: list[_Waiting]) -> bool:
        """Take all that waits, up to the batch's limit; True when the store is to close."""
        while len(left) < MAX_BATCH and not self._queue.empty():
            waiting = self._queue.get_nowait()
            if waiting is None:
                return True
            left.append(waiting)
        return False

    async def _commit(self, waiting: list[_Waiting]) -> list[_Waiting]:
        """Commit a batch; returns those that have to wait for the next one."""
        while True:
            try:
                batch, left = await self._decide_batch(waiting)
                await self._append(batch)
            except LostRace:
                continue
            except Exception as error:  # the storage failed: nobody's command was committed
                _fail(waiting, error)
                return []
            self._answer(batch)
            return left

    async def _append(self, batch: _Batch) -> None:
        if batch.commits:
            expected = batch.commits[0].position - 1
            await self.storage.append(expected, batch.commits, Projection(batch.changes, batch.facts))
            self.head = batch.commits[-1].position

    def _answer(self, batch: _Batch) -> None:
        for waiting, answer in batch.answers:
            if waiting.answer.done():
                continue
            if isinstance(answer, Exception):
                waiting.answer.set_exception(answer)
            else:
                waiting.answer.set_result(answer)
        if batch.commits:
            self._advanced.set()
            self._advanced = asyncio.Event()

    async def _decide_batch(self, waiting: list[_Waiting]) -> tuple[_Batch, list[_Waiting]]:
        head = await self._caught_up()
        state = State(head.position, head.serial)
        recorded = max(instant(self._clock.now()), head.recorded)
        batch = _Batch(state, Projector(self._extract), recorded)
        await self._load(state, _keys(waiting), _facts(waiting))
        for number, one in enumerate(waiting):
            conditions = one.command.conditions.values()
            if conditions and batch.touches({query.type for query in conditions}):
                return batch, waiting[number:]
            await self._decide_one(batch, one)
        return batch, []

    async def _decide_one(self, batch: _Batch, waiting: _Waiting) -> None:
        command = waiting.command
        try:
            matches: Matches = {
                name: await self._matches(query) for name, query in command.conditions.items()
            }
            found = {key for keys in matches.values() for key in keys}
            await self._load(batch.state, found - batch.state.entities.keys(), ())
            decided = decide(batch.state, command, self.policies, batch.recorded, matches)
        except (Refusal, LostRace) as refusal:
            batch.answers.append((waiting, refusal))
        except Exception as error:  # one command's fault must not fail its neighbours
            batch.answers.append((waiting, error))
        else:
            batch.accept(waiting, decided)

    async def _matches(self, query: Query) -> Sequence[Key]:
        page = await self.storage.search(query)
        return [Key(version.type, version.id) for version in page.versions]

    async def _load(self, state: State, keys: Iterable[Key], facts: Iterable[tuple[str, str]]) -> None:
        wanted = set(keys)
        if wanted:
            rows = await self.storage.rows(wanted)
            state.entities.update((key, from_row(row)) for key, row in rows.items())
        for kind, key in facts:
            fact = await self.storage.fact(kind, key)
            if fact is not None:
                state.facts[kind, key] = fact

    async def _caught_up(self) -> Head:
        """The head, after projecting what was appended but not projected."""
        head = await self.storage.head()
        while head.projected < head.position:
            commits = await self.storage.read_log(head.projected, REPLAY_BATCH)
            await self._project(commits)
            head = await self.storage.head()
        return head

    async def _project(self, commits: Sequence[Commit]) -> None:
        rows = await self.storage.rows(touched_keys(commits))
        entities: dict[Key, Entity] = {key: from_row(row) for key, row in rows.items()}
        projection = replay(commits, entities, Projector(self._extract))
        await self.storage.project(projection, commits[-1].position)

    async def rebuild(self, progress: object = None) -> int:
        """Drop all projections and make them again from the log. Returns the number of commits."""
        await self.storage.clear_projections()
        head = await self._caught_up()
        await self.derive_provenance()
        return head.position

    async def derive_provenance(self) -> None:
        """Bring the Provenance resources, which are derived from the log, up to its head."""
        while await self.derive_some(REPLAY_BATCH):
            pass

    async def derive_some(self, count: int) -> bool:
        """Derive the Provenances of at most ``count`` more commits; False when there are none left."""
        async with self._derive:
            known = await self.storage.fact(*PROJECTED)
            position = known.value["position"] if known else 0
            commits = await self.storage.read_log(position, count)
            if not commits:
                return False
            changes = provenance_changes(commits, self._extract)
            fact = Fact(*PROJECTED, {"position": commits[-1].position}, commits[-1].position)
            await self.storage.project(Projection(changes, (fact,)))
            return True

    async def wait_beyond(self, position: int, seconds: float) -> bool:
        """Wait until the log is longer than ``position``, at most ``seconds``; True when it is.

        Only this process's commits wake it; others' are seen when the time is up.
        """
        advanced = self._advanced
        if self.head > position:
            return True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(advanced.wait(), seconds)
        if self.head <= position:
            self.head = max(self.head, (await self.storage.head()).position)
        return self.head > position

    async def entity(self, type: str, id: str) -> Entity | None:
        """The resource with its ledger, also when deleted."""
        rows = await self.storage.rows([Key(type, id)])
        row = rows.get(Key(type, id))
        return from_row(row) if row else None

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

    async def search(self, query: Query) -> Page:
        return await self.storage.search(query)

    async def count(self, query: Query) -> int:
        return await self.storage.count(query)

    async def read_log(self, after: int, limit: int) -> Sequence[Commit]:
        return await self.storage.read_log(after, limit)

    async def fact(self, kind: str, key: str) -> Fact | None:
        return await self.storage.fact(kind, key)

    async def facts(self, kind: str, prefix: str = "") -> Sequence[Fact]:
        return await self.storage.facts(kind, prefix)


def _keys(waiting: Iterable[_Waiting]) -> set[Key]:
    """The resources to load: a new id cannot be there yet, so a create loads nothing."""
    return {
        Key(write.type, write.id)
        for one in waiting
        for write in one.command.writes
        if not isinstance(write, Note) and not (isinstance(write, Put) and write.create)
    }


def _facts(waiting: Iterable[_Waiting]) -> set[tuple[str, str]]:
    return {
        (write.kind, write.key) for one in waiting for write in one.command.writes if isinstance(write, Note)
    }


def _fail(waiting: Iterable[_Waiting], error: Exception) -> None:
    for one in waiting:
        if not one.answer.done():
            one.answer.set_exception(error)
