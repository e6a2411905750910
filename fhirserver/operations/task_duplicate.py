"""Deciding a probable duplicate: the two patients are one (they are merged), they are two, or it is asked again."""

from __future__ import annotations

from collections.abc import Sequence

from fhirserver.interactions.exchange import Context, Request
from fhirserver.kernel.json import Json, JsonObject
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.operations.merge import task_put
from fhirserver.operations.parameters import inputs, one
from fhirserver.operations.task_review import Open, chosen, principal_of, update_task
from fhirserver.store.commands import Merge, Put, Unmerge, Write
from fhirserver.store.duplicates import likely_survivor, moved
from fhirserver.world.duplicates import (
    DIFFERENT,
    PENDING_PAIR,
    SAME,
    Duplicate,
    read_duplicate,
    reopened_pair,
    settled_pair,
)
from fhirserver.world.entity import Entity
from fhirserver.world.merge_task import MERGE, UNMERGE, merge_task
from fhirserver.world.review import Settled

_SURVIVOR = "Parameters.parameter.where(name='survivor')"


async def approve_duplicate(context: Context, request: Request, opened: Open) -> Sequence[Write]:
    """The two are one: the other is merged into the ``survivor``, which the weight of their records chooses if no
    input does. Refused (409) where one of them is no patient of its own any more."""
    pair, given = _pair(opened), inputs(request)
    chosen(opened.item, (), given.get("unit", []))
    two = [await _standing(context, id) for id in (pair.patient, pair.other)]
    named = one(given, "survivor")
    left = _named(context, pair, named) if named is not None else likely_survivor(context.store, *two)
    into, gone = sorted(two, key=lambda entity: entity.key.id != left)
    task = task_put(merge_task(MERGE, "Patient", gone.key.id, gone.version, left, opened.now))
    merging = Merge("Patient", gone.key.id, left, task.id, gone.version, into.version)
    note = await moved(context.store, pair.patient, pair.other, SAME, opened.id)
    return merging, task, note, _settled(opened, request, "approve", left=left)


async def reject_duplicate(context: Context, request: Request, opened: Open) -> Sequence[Write]:
    """They are two people, and nobody is asked again; ``reason`` is needed."""
    pair, given = _pair(opened), inputs(request)
    reason = str(one(given, "reason", required=True))
    chosen(opened.item, (), given.get("unit", []))
    note = await moved(context.store, pair.patient, pair.other, DIFFERENT, opened.id)
    return note, _settled(opened, request, "reject", reason)


async def undo_duplicate(context: Context, request: Request, opened: Open) -> Sequence[Write]:
    """What was decided is taken back: two who were merged are two again, and the pair waits for a decision."""
    pair, given = _pair(opened), inputs(request)
    if pair.settled is None:
        raise refuse(Category.CONFLICT, "conflict", "Nothing is decided on this item", "Task.status")
    chosen(opened.item, (), given.get("unit", []))
    back = await _unmerged(context, opened, pair)
    note = await moved(context.store, pair.patient, pair.other, PENDING_PAIR, opened.id)
    task = reopened_pair(opened.task, opened.now, str(one(given, "reason") or ""))
    return *back, note, update_task(opened, request, task)


def _pair(opened: Open) -> Duplicate:
    try:
        return read_duplicate(opened.task)
    except ValueError:
        text = "This Task does not hold two patients and their score as an item about a duplicate does"
        raise refuse(Category.UNPROCESSABLE, "business-rule", text, "Task.contained") from None


async def _standing(context: Context, id: str) -> Entity:
    """A patient of the pair. Refuses (409) one who was deleted or merged into another."""
    entity = await context.store.entity("Patient", id)
    if entity is None or entity.deleted or entity.ledger.into:
        where = f", but merged into Patient/{entity.ledger.into}" if entity and entity.ledger.into else ""
        text = f"Patient/{id} is no longer a patient of its own{where}: there is nothing to decide"
        raise refuse(Category.CONFLICT, "conflict", text, "Task.focus")
    return entity


def _named(context: Context, pair: Duplicate, named: Json) -> str:
    """The id that the input names: a Reference, or an id as it stands. Refuses (400) one that is not of the pair."""
    text = str(named.get("reference", "")) if isinstance(named, dict) else str(named)
    id = text.removeprefix(f"{context.base_url}/").removeprefix("Patient/")
    if id not in (pair.patient, pair.other):
        wrong = f"'survivor' is one of the two: Patient/{pair.patient} or Patient/{pair.other}"
        raise refuse(Category.INVALID, "value", wrong, _SURVIVOR)
    return id


def _settled(opened: Open, request: Request, decision: str, reason: str = "", left: str = "") -> Put:
    name = request.principal.name
    made = Settled(decision, name, opened.version + 1, reason)
    task: JsonObject = settled_pair(opened.task, made, opened.now, left)
    return update_task(opened, request, {**task, "owner": principal_of(name)})


async def _unmerged(context: Context, opened: Open, pair: Duplicate) -> Sequence[Write]:
    """What takes the two apart again; nothing where they are two by now."""
    gone = await context.store.entity("Patient", pair.merged) if pair.merged else None
    if gone is None or not gone.ledger.into:
        for id in (pair.patient, pair.other):
            await _standing(context, id)
        return ()
    if gone.ledger.into != pair.survivor:
        text = f"Patient/{pair.merged} was merged into another since: undo that first, by its $unmerge"
        raise refuse(Category.CONFLICT, "conflict", text, "Task.focus")
    task = task_put(merge_task(UNMERGE, "Patient", pair.merged, gone.version, pair.survivor, opened.now))
    return Unmerge("Patient", pair.merged, task.id), task
