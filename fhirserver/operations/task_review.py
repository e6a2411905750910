"""What the operations on review items share: the item, what may be done with it, and its new state."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

from fhirserver.interactions.exchange import Context, Request
from fhirserver.interactions.read import current
from fhirserver.kernel.json import Json, JsonObject, loads
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.ports.log import Statement
from fhirserver.store.commands import Command, Outcome, Put, Write
from fhirserver.world.review import PENDING, Item, ReviewClaim, is_review, read_item, review_task
from fhirserver.world.units import member_of
from fhirserver.world.vocabulary import ACTIVITY, SOURCE_PREFIX

SYSTEM = "credence"
"""The source that keeps review items."""


@dataclass(frozen=True, slots=True)
class Open:
    """A review item that waits for a decision, with the version it was read at."""

    id: str
    version: int
    task: JsonObject
    item: Item


async def open_item(context: Context, request: Request) -> Open:
    """The item the request is about. Refuses other Tasks, decided items and items another reviewer holds."""
    version = await current(context, "Task", request.id)
    task: JsonObject = loads(version.content)
    if not is_review(task):
        raise refuse(Category.UNPROCESSABLE, "business-rule", "This Task is not a review item", "Task.code")
    item = read_item(task)
    if item.status not in PENDING:
        text = f"The item is decided already: its status is {item.status}"
        raise refuse(Category.CONFLICT, "conflict", text, "Task.status")
    if item.owner and item.owner != request.principal.name:
        raise refuse(Category.LOCKED, "lock-error", "Another reviewer has claimed this item", "Task.owner")
    return Open(request.id, version.version, task, item)


def chosen(item: Item, units: Sequence[Json]) -> list[ReviewClaim]:
    """The claims that the ``unit`` inputs name (by unit or path), or all of them."""
    if not units:
        return list(item.claims)
    named = {claim.identity: {claim.unit, _path(item, claim)} for claim in item.claims}
    if not set(units) <= set().union(*named.values()):
        text = "No claim of this item is on such a unit"
        raise refuse(Category.INVALID, "not-found", text, "Parameters.parameter.where(name='unit')")
    return [claim for claim in item.claims if not named[claim.identity].isdisjoint(units)]


def _path(item: Item, claim: ReviewClaim) -> str:
    return f"{item.focus[0]}.{member_of(claim.unit).removesuffix('[x]')}"


def owner(name: str) -> JsonObject:
    """The Task.owner by which a reviewer holds an item."""
    return {"identifier": {"system": f"{SOURCE_PREFIX}principal", "value": name}, "display": name}


def statement(request: Request, activity: str) -> Statement:
    """The reviewer's statement."""
    code = {"coding": [{"system": ACTIVITY, "code": activity}]}
    return Statement(request.principal.source.id, request.principal.name, method="review", activity=code)


def update_task(opened: Open, request: Request, **members: Json) -> Put:
    """The write that changes the item; refused when somebody else changed it meanwhile."""
    task = {**copy.deepcopy(opened.task), **members}
    task = {name: value for name, value in task.items() if value is not None}
    own = Statement(SYSTEM, request.principal.name, method="review")
    return Put("Task", opened.id, task, if_match=opened.version, statement=own)


def decided_task(
    opened: Open, request: Request, left: Sequence[ReviewClaim], word: str, reason: str = ""
) -> Put:
    """The item after some or all of its claims were decided; it stays open while claims are left."""
    if left:
        type, id = opened.item.focus
        fresh = review_task(type, id, left, opened.task["authoredOn"])
        changed = {name: fresh[name] for name in ("contained", "description", "priority")}
        return update_task(opened, request, **changed)
    members: dict[str, Json] = {
        "status": "completed",
        "businessStatus": {"text": word},
        "lastModified": None,
        "owner": owner(request.principal.name),
    }
    if reason:
        members["statusReason"] = {"text": reason}
    return update_task(opened, request, **members)


async def submit(context: Context, request: Request, activity: str, writes: Sequence[Write]) -> Outcome:
    """Commit the decision and the item's new state together."""
    return await context.store.submit(Command(statement(request, activity), writes))


def remaining(item: Item, done: Sequence[ReviewClaim]) -> list[ReviewClaim]:
    """The claims of the item that are not among ``done``."""
    identities = {claim.identity for claim in done}
    return [claim for claim in item.claims if claim.identity not in identities]
