"""Gathers what the story of a value is told from: the commits about it, the Tasks about it, the transcripts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field

from fhirserver.kernel.json import JsonObject, loads
from fhirserver.ports.storage import Key, Version
from fhirserver.search.cursor import decode
from fhirserver.search.expression import And, Query, ReferenceIs, TokenIs
from fhirserver.store.as_of import Moment, course
from fhirserver.store.lineage import Wanted
from fhirserver.store.store import Store
from fhirserver.store.words import Words
from fhirserver.world.chronicle import Chronicle
from fhirserver.world.decision import Decision
from fhirserver.world.entity import Entity
from fhirserver.world.evidence import Word
from fhirserver.world.ledger import Ledger
from fhirserver.world.reasons import rule_of
from fhirserver.world.review import CLAIMS, REVIEW, kind_of, read_item
from fhirserver.world.story import Material, Step, TaskState, concerns, story
from fhirserver.world.vocabulary import TASK_CODE

WRITEBACK = "writeback"
_PAGE = 50


@dataclass(frozen=True, slots=True)
class Story:
    """The story of one unit."""

    unit: str
    steps: Sequence[Step]


async def stories(store: Store, key: Key, at: Moment, wanted: Wanted) -> Sequence[Story]:
    """The stories of the units of a resource that are ``wanted``, until a moment."""
    past = _Past(Chronicle(wanted))
    async for commit, entity in course(store, key, at):
        past.take(commit.position, entity)
    if not past.chronicle.units:
        return ()
    words, tasks = Words(store, key), Tasks(store, key, at)
    reviews, writebacks = await tasks.states(REVIEW), await tasks.states(WRITEBACK)
    sinks = frozenset(id for id, source in store.policies.sources.items() if source.authoritative)
    materials = [
        await past.material(unit, words, reviews, writebacks, sinks) for unit in past.chronicle.units
    ]
    return [Story(material.unit, story(material)) for material in materials]


@dataclass(slots=True)
class _Past:
    """What was claimed and held, with the rules by which it held (by unit and position), and the last ledger."""

    chronicle: Chronicle
    rules: dict[str, dict[int, str]] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=Ledger)

    def take(self, position: int, entity: Entity) -> None:
        self.chronicle.take(position, entity)
        self.ledger = entity.ledger
        for unit in self.chronicle.units:
            held = self.chronicle.held(unit)[-1]
            if held.position == position:
                self.rules.setdefault(unit, {})[position] = rule_of(entity.ledger, held.win)

    async def material(
        self,
        unit: str,
        words: Words,
        reviews: Sequence[TaskState],
        writebacks: Sequence[TaskState],
        sinks: frozenset[str],
    ) -> Material:
        decisions = [made for made in self.ledger.decisions if made.unit == unit]
        return Material(
            unit,
            self.chronicle.told(unit),
            self.chronicle.held(unit),
            decisions,
            await _words(words, self.chronicle, unit, decisions),
            self.rules.get(unit, {}),
            [state for state in reviews if _is_on(state.task, unit)],
            [state for state in writebacks if concerns(state.task, unit)],
            sinks,
        )


async def _words(
    words: Words, chronicle: Chronicle, unit: str, decisions: Iterable[Decision]
) -> dict[tuple[int, str], Word]:
    """The words behind every claim and everything that became of it."""
    wanted: dict[tuple[int, str], None] = {}
    for one in chronicle.told(unit):
        stamp = one.claim.stamp
        wanted.update({(position, one.claim.source): None for position in (stamp.position, stamp.evidence)})
        wanted.update({(position, ""): None for position, _ in one.turns})
    wanted.update({(held.position, ""): None for held in chronicle.held(unit)})
    wanted.update({(made.position, ""): None for made in decisions})
    return {place: await words.at(*place) for place in wanted}


def _is_on(task: JsonObject, unit: str) -> bool:
    """Whether a review item has, or had in this version, a claim on the unit; a closed one keeps its claims."""
    try:
        return any(claim.unit == unit for claim in read_item(task).every)
    except (ValueError, KeyError):
        return False


@dataclass(frozen=True, slots=True)
class Tasks:
    """The Tasks about one resource, with all their versions until a moment."""

    store: Store
    key: Key
    at: Moment

    async def states(self, code: str) -> Sequence[TaskState]:
        """Every version of every Task of a kind, oldest first."""
        found = [state async for task in self._tasks(code) async for state in self._versions(task.id)]
        return sorted(found, key=lambda state: state.word.position)

    async def _tasks(self, code: str) -> AsyncIterator[Version]:
        where = And((TokenIs("code", TASK_CODE, code), ReferenceIs("focus", *self.key)))
        place = ""
        while True:
            cursor = decode(place, ()) if place else None
            page = await self.store.search(Query("Task", where, count=_PAGE, cursor=cursor))
            for version in page.versions:
                if kind_of(loads(version.content)) == CLAIMS:
                    yield version
            place = page.cursor
            if not place:
                return

    async def _versions(self, id: str) -> AsyncIterator[TaskState]:
        words, before = Words(self.store, Key("Task", id)), None
        while True:
            versions = await self.store.history("Task", id, _PAGE, before)
            for version in versions:
                if version.position <= self.at.position and not version.deleted:
                    word = await words.at(version.position)
                    yield TaskState(id, loads(version.content), word)
            if len(versions) < _PAGE:
                return
            before = versions[-1].version
