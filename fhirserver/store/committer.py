"""The committer: decides the commands that wait and appends them in groups, one group behind the other.

While one group is being written to the disk the next is decided already, on the state the first will leave.
Nobody is answered before all that the answer rests on is durable: groups are settled in their order, and when one
could not be appended, the one decided after it is decided again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from fhirserver.kernel.instants import Clock, instant
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.measures import Counter, Histogram
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.kernel.tracing import span
from fhirserver.ports.log import Commit, LostRace
from fhirserver.ports.storage import Change, Fact, Head, Key, Projection, Shared, Storage
from fhirserver.search.expression import Query, types_searched
from fhirserver.store.commands import Command, Outcome, Prepared, touched
from fhirserver.store.decide import Decided, decide
from fhirserver.store.merges import MERGED, Merges, facts_of, with_merges
from fhirserver.store.project import Extract, Projector, replay, touched_keys
from fhirserver.store.search_parameters import TYPE as PARAMETERS
from fhirserver.store.search_parameters import SearchParameters, changed_fact
from fhirserver.store.state import Matches, Policies, State
from fhirserver.world.entity import Entity, from_row

COMMITS = Counter("credence_commits_total", "Commits that this server appended to the log")
APPENDED = Histogram(
    "credence_append_duration_seconds", "How long it took to append a group of commits, durably"
)
RACES = Counter(
    "credence_append_races_total", "Groups that another process was faster than; they are decided again"
)
MAX_BATCH = 64
REPLAY_BATCH = 200


@dataclass(slots=True)
class Waiting:
    """A command and who waits for its outcome."""

    command: Command
    answer: asyncio.Future[Outcome]


@dataclass(slots=True)
class Batch:
    """What one group commit has gathered so far."""

    state: State
    projector: Projector
    recorded: str
    completed: Callable[[Prepared, JsonObject], Sequence[Any]]
    commits: list[Commit] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    answers: list[tuple[Waiting, Outcome | Exception]] = field(default_factory=list)
    changed: dict[Key, Entity] = field(default_factory=dict)

    def accept(self, waiting: Waiting, decided: Decided) -> None:
        self.answers.append((waiting, decided.outcome))
        if decided.commit is None:
            return
        self.commits.append(decided.commit)
        made = []
        for entity in decided.entities:
            prepared = decided.prepared.get(entity.key)
            if prepared is not None:
                self.projector.know(entity, self.completed(prepared, entity.json))
            made.append(self.projector.change(self.state.entities.get(entity.key), entity))
            self.state.entities[entity.key] = self.changed[entity.key] = entity
        self.changes += made
        self.facts += changed_fact(made, decided.commit.position)
        for fact in decided.facts:
            self.facts.append(fact)
            self.state.facts[fact.kind, fact.key] = fact
        self.state.merged = with_merges(self.state.merged, decided.facts)
        self.state.position, self.state.serial = decided.commit.position, decided.commit.serial

    def touches(self, types: Iterable[str]) -> bool:
        """Whether a search on one of the types could miss what this batch has not written yet."""
        changed = {change.row.version.type for change in self.changes}
        return any(type in changed for type in types)

    def waiting(self) -> list[Waiting]:
        return [waiting for waiting, _ in self.answers]

    def answer(self) -> None:
        """Tell everybody: their command is durable, or why it is refused."""
        for waiting, answer in self.answers:
            if waiting.answer.done():
                continue
            if isinstance(answer, Exception):
                waiting.answer.set_exception(answer)
            else:
                waiting.answer.set_result(answer)


@dataclass(slots=True)
class _Flying:
    """A batch that is being appended."""

    batch: Batch
    done: asyncio.Task[None]


class Committer:
    """Takes commands, decides, appends. ``appended`` is told the position after each group."""

    def __init__(
        self,
        storage: Storage,
        policies: Policies,
        extract: Extract,
        clock: Clock,
        appended: Callable[[int], None],
        parameters: SearchParameters | None = None,
        merges: Merges | None = None,
    ) -> None:
        self._storage, self._policies, self._extract, self._clock = storage, policies, extract, clock
        self._shared = storage if isinstance(storage, Shared) else None
        self._appended = appended
        self._parameters, self._known = parameters, -1
        self._merges = merges or Merges(storage)
        self._queue: asyncio.Queue[Waiting | None] = asyncio.Queue()
        self._flying: _Flying | None = None
        self._closing = False

    async def submit(self, command: Command) -> Outcome:
        """The command's outcome, once it is durable. Raises the refusal."""
        waiting = Waiting(command, asyncio.get_running_loop().create_future())
        with span("commit", credence__writes=len(command.writes)):
            await self._queue.put(waiting)
            return await waiting.answer

    async def rehearse(self, command: Command) -> Outcome:
        """Decide a command on the log's head and forget it. Returns what would be. Raises the refusal."""
        head = await self.caught_up()
        await self._merges.refresh()
        state = State(head.position, head.serial, merged=self._merges.current)
        nobody = Waiting(command, asyncio.get_running_loop().create_future())
        await self._load(state, _keys([nobody]), _facts([nobody]))
        matches: Matches = {name: await self._matches(query) for name, query in command.conditions.items()}
        await self._load(state, {key for keys in matches.values() for key in keys}, ())
        recorded = max(instant(self._clock.now()), head.recorded)
        return decide(state, command, self._policies, recorded, matches).outcome

    async def close(self) -> None:
        """Have :meth:`run` end when all that waits is committed."""
        await self._queue.put(None)

    async def run(self) -> None:
        """Commit for as long as the store is open."""
        again: list[Waiting] = []
        while True:
            again += await self._next(bool(again))
            if again:
                again = await self._round(again)
            elif self._flying is not None:
                again = await self._land()
            elif self._closing:
                return

    async def _next(self, have_some: bool) -> list[Waiting]:
        """All that waits. Waits itself while there is nothing else to do: a group that lands comes first."""
        taken: list[Waiting] = []
        if not have_some and self._queue.empty() and not self._closing:
            first = await self._first()
            if first is not None:
                taken.append(first)
        seen = -1
        while seen != self._queue.qsize() < MAX_BATCH:  # whoever is about to submit comes into this group
            seen = self._queue.qsize()
            await asyncio.sleep(0)
        return [*taken, *self._drained(MAX_BATCH - len(taken))]

    def _drained(self, most: int) -> list[Waiting]:
        """What is in the queue now."""
        taken: list[Waiting] = []
        while len(taken) < most and not self._queue.empty():
            self._take(self._queue.get_nowait(), taken)
        return taken

    async def _first(self) -> Waiting | None:
        """The next command, or None when the group in the air has landed before one came."""
        if self._flying is None:
            taken: list[Waiting] = []
            self._take(await self._queue.get(), taken)
            return taken[0] if taken else None
        getting = asyncio.ensure_future(self._queue.get())
        await asyncio.wait({getting, self._flying.done}, return_when=asyncio.FIRST_COMPLETED)
        if not getting.done():
            getting.cancel()
            return None
        taken = []
        self._take(getting.result(), taken)
        return taken[0] if taken else None

    def _take(self, one: Waiting | None, into: list[Waiting]) -> None:
        if one is None:
            self._closing = True
        else:
            into.append(one)

    async def _round(self, waiting: list[Waiting]) -> list[Waiting]:
        """Decide a group, land the one before it, send this one. Returns those to be decided (again)."""
        if self._shared is not None:
            return await self._turn(self._shared, waiting)
        if self._flying is not None and (
            any(one.command.conditions for one in waiting) or self._flying.batch.touches((PARAMETERS,))
        ):
            # What a condition finds must be written; and so must what says how to index.
            again = await self._land()
            return [*again, *waiting]
        based_on = self._flying
        try:
            batch, left = await self._decide_batch(waiting)
        except Exception as error:  # the storage failed: nobody's command was committed
            _fail(waiting, error)
            return await self._land()
        again = await self._land()
        if based_on is not None and based_on.done.exception() is not None:
            return [*again, *waiting]
        self._send(batch)
        return left

    async def _turn(self, shared: Shared, waiting: list[Waiting]) -> list[Waiting]:
        """Decide a group and append it while no other process does. Returns those to be decided (again)."""
        await shared.take_turn()
        waiting = [*waiting, *self._drained(MAX_BATCH - len(waiting))]  # they came while we waited
        try:
            batch, left = await self._decide_batch(waiting)
            self._send(batch)
            return [*await self._land(), *left]
        except Exception as error:  # the storage failed: nobody's command was committed
            _fail(waiting, error)
            return []
        finally:
            shared.leave_turn()

    def _send(self, batch: Batch) -> None:
        if batch.commits:
            self._flying = _Flying(batch, asyncio.ensure_future(self._append(batch)))
        else:
            batch.answer()

    async def _append(self, batch: Batch) -> None:
        expected, begun = batch.commits[0].position - 1, time.monotonic()
        await self._storage.append(expected, batch.commits, Projection(batch.changes, batch.facts))
        APPENDED.observe(time.monotonic() - begun)
        COMMITS.add(by=len(batch.commits))

    async def _land(self) -> list[Waiting]:
        """Wait for the group in the air and answer it. Returns its commands when it lost the race."""
        if self._flying is None:
            return []
        batch, done = self._flying.batch, self._flying.done
        await asyncio.wait({done})
        self._flying = None
        error = done.exception()
        if isinstance(error, LostRace):
            RACES.add()
            return batch.waiting()
        if error is not None:
            _fail(batch.waiting(), error)
            return []
        if not batch.touches((PARAMETERS,)):
            self._known = batch.commits[-1].position if self._known == batch.commits[0].position - 1 else -1
        if any(fact.kind == MERGED for fact in batch.facts):
            await self._merges.refresh()
        self._appended(batch.commits[-1].position)
        batch.answer()
        return []

    async def _decide_batch(self, waiting: list[Waiting]) -> tuple[Batch, list[Waiting]]:
        batch = await self._begin()
        await self._load(batch.state, _keys(waiting), _facts(waiting))
        for number, one in enumerate(waiting):
            conditions = one.command.conditions.values()
            if conditions and batch.touches({type for query in conditions for type in types_searched(query)}):
                return batch, waiting[number:]
            await self._decide_one(batch, one)
        return batch, []

    async def _begin(self) -> Batch:
        """An empty batch on the state that the group in the air will leave, or on the log's head."""
        now = instant(self._clock.now())
        if self._flying is not None:
            before = self._flying.batch
            facts = {(fact.kind, fact.key): fact for fact in before.facts}
            at = (before.state.position, before.state.serial)
            state = State(*at, dict(before.changed), facts, before.state.merged)
            return self._batch(state, max(now, before.recorded))
        head = await self.caught_up()
        await self._learn(head.position)
        state = State(head.position, head.serial, merged=self._merges.current)
        return self._batch(state, max(now, head.recorded))

    def _batch(self, state: State, recorded: str) -> Batch:
        return Batch(state, Projector(self._extract), recorded, self._completed)

    def _completed(self, prepared: Prepared, resource: JsonObject) -> Sequence[Any]:
        if self._parameters is None:
            return self._extract(resource)
        return self._parameters.completed(prepared, resource)

    async def _decide_one(self, batch: Batch, waiting: Waiting) -> None:
        command = waiting.command
        try:
            matches: Matches = {
                name: await self._matches(query) for name, query in command.conditions.items()
            }
            found = {key for keys in matches.values() for key in keys}
            await self._load(batch.state, found, ())
            decided = decide(batch.state, command, self._policies, batch.recorded, matches)
        except Refusal as refusal:
            batch.answers.append((waiting, refusal))
        except Exception as error:  # one command's fault must not fail its neighbours
            batch.answers.append((waiting, error))
        else:
            batch.accept(waiting, decided)

    async def _matches(self, query: Query) -> Sequence[Key]:
        page = await self._storage.search(query)
        return [Key(version.type, version.id) for version in page.versions]

    async def _load(self, state: State, keys: Iterable[Key], facts: Iterable[tuple[str, str]]) -> None:
        """Load what the state does not have yet: what it has may be newer than the storage."""
        wanted = set(keys) - state.entities.keys()
        if wanted:
            rows = await self._storage.rows(wanted)
            found = {key: from_row(row) for key, row in rows.items()}
            state.entities.update(found)
            onward = {Key(key.type, one.ledger.into) for key, one in found.items() if one.ledger.into}
            if onward:  # what is said of them is said of what they were merged into
                await self._load(state, onward, ())
        if asked := set(facts) - state.facts.keys():
            state.facts.update(await self._storage.facts_named(asked))

    async def _learn(self, position: int) -> None:
        """Know search parameters and merges as of ``position``: others' commits may have changed them."""
        if position == self._known:
            return
        if self._parameters is not None:
            await self._parameters.refresh()
        await self._merges.refresh()
        self._known = position

    async def caught_up(self) -> Head:
        """The log's head, after projecting what was appended but not projected."""
        head = await self._storage.head()
        while head.projected < head.position:
            await self._learn(head.projected)
            commits = await self._storage.read_log(head.projected, REPLAY_BATCH)
            await self._project(_until_parameters_change(commits))
            head = await self._storage.head()
        return head

    async def _project(self, commits: Sequence[Commit]) -> None:
        rows = await self._storage.rows(touched_keys(commits))
        entities: dict[Key, Entity] = {key: from_row(row) for key, row in rows.items()}
        projection = replay(commits, entities, Projector(self._extract))
        await self._storage.project(projection, commits[-1].position)


def _until_parameters_change(commits: Sequence[Commit]) -> Sequence[Commit]:
    """The commits up to the first that touches a SearchParameter: what follows is indexed by it."""
    for number, commit in enumerate(commits, 1):
        if any(event.get("type") == PARAMETERS for event in commit.events):
            return commits[:number]
    return commits


def _keys(waiting: Iterable[Waiting]) -> set[Key]:
    """The resources to load: a new id cannot be there yet, so a create loads nothing."""
    return {key for one in waiting for write in one.command.writes for key in touched(write)}


def _facts(waiting: Iterable[Waiting]) -> set[tuple[str, str]]:
    return {fact for one in waiting for write in one.command.writes for fact in facts_of(write)}


def _fail(waiting: Iterable[Waiting], error: BaseException) -> None:
    for one in waiting:
        if not one.answer.done():
            one.answer.set_exception(error)


def closed() -> Refusal:
    """What a closed store answers."""
    return refuse(Category.BUSY, "transient", "The store is closed")
