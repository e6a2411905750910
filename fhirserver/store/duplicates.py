"""Probable duplicates in the store: one item per pair of patients, and what was decided about the pair, for ever."""

from __future__ import annotations

from collections.abc import Sequence

from fhirserver.kernel.instants import SystemClock, instant
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.ports.storage import Version
from fhirserver.search.expression import And, Or, Query, ReferenceIs, TokenIs
from fhirserver.store.commands import Note, Put, Write
from fhirserver.store.review_items import next_appointment
from fhirserver.store.store import Store
from fhirserver.world.duplicates import (
    CALLED_OFF,
    DUPLICATE,
    FACT,
    PENDING_PAIR,
    duplicate_task,
    pair_key,
    read_duplicate,
    survivor,
    task_id,
)
from fhirserver.world.entity import Entity
from fhirserver.world.identity.scoring import Score
from fhirserver.world.review import PENDING, closed
from fhirserver.world.vocabulary import REVIEW_KIND

_MOST = 50
GONE = "One of the two is no longer a patient of its own"


async def state_of(store: Store, one: str, other: str) -> str:
    """``pending``, ``different`` or ``same``; empty for a pair that was never asked about."""
    fact = await store.fact(FACT, pair_key(one, other))
    return str(fact.value["state"]) if fact else ""


async def raised(store: Store, one: str, other: str, score: Score, at: str) -> Sequence[Write]:
    """The writes that ask an operator about a pair; none where somebody was asked before.

    They are refused (409) where another process asks at the same moment.
    """
    if await state_of(store, one, other) not in ("", CALLED_OFF):
        return ()
    id = task_id(one, other)
    note = await moved(store, one, other, PENDING_PAIR, id)
    now = SystemClock().now()
    visits = [await next_appointment(store, f"Patient/{patient}", now) for patient in (one, other)]
    due = min((visit for visit in visits if visit), default="")
    return note, Put("Task", id, duplicate_task(one, other, score, at, due, instant(now)))


async def moved(store: Store, one: str, other: str, state: str, task: str) -> Note:
    """The fact about a pair in its next state; refused where somebody else moved it meanwhile."""
    fact = await store.fact(FACT, pair_key(one, other))
    position = int(fact.value["position"]) + 1 if fact else 1
    value: JsonObject = {"state": state, "task": task, "position": position}
    return Note(FACT, pair_key(one, other), value, advance=True)


def likely_survivor(store: Store, one: Entity, other: Entity) -> str:
    """The id of the one to be left, by the weight of their records."""
    return survivor(one, other, [id for id, source in store.policies.sources.items() if source.authoritative])


async def pending_about(store: Store, patient: str) -> Sequence[Version]:
    """The items about a patient that wait for a decision, also about one who was merged into another since."""
    entity = await store.entity("Patient", patient)
    ids = {patient, entity.ledger.into if entity else ""} - {""}
    about = [ReferenceIs(name, "Patient", id) for name in ("focus", "subject") for id in sorted(ids)]
    where = And(
        (
            TokenIs("code", REVIEW_KIND, DUPLICATE),
            Or(tuple(about)),
            Or(tuple(TokenIs("status", None, status) for status in PENDING)),
        )
    )
    found = (await store.search(Query("Task", where, count=_MOST))).versions
    return [version for version in found if patient in _pair(version)]


def _pair(version: Version) -> Sequence[str]:
    try:
        item = read_duplicate(loads(version.content))
    except ValueError:
        return ()
    return item.patient, item.other


async def called_off(store: Store, patient: str) -> Sequence[Write]:
    """The writes that call off the pending items about a patient who is no more, merged or deleted."""
    writes: list[Write] = []
    for version in await pending_about(store, patient):
        task: JsonObject = loads(version.content)
        item = read_duplicate(task)
        writes.append(await moved(store, item.patient, item.other, CALLED_OFF, version.id))
        off = closed(task, "cancelled", "moot", instant(SystemClock().now()), GONE)
        writes.append(Put("Task", version.id, off, if_match=version.version))
    return writes
