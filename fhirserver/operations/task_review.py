"""What the operations on review items share: the item, what may be done with it, and its new state."""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from fhirserver.interactions.answers import written
from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.preconditions import if_match
from fhirserver.interactions.read import current
from fhirserver.interactions.registry import Handler
from fhirserver.kernel.instants import instant
from fhirserver.kernel.json import Json, JsonObject, loads
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.ports.log import Statement
from fhirserver.store.commands import ANY_VERSION, Command, Outcome, Put, Write
from fhirserver.world.review import (
    Item,
    ReviewClaim,
    Settled,
    closed,
    holding,
    is_review,
    outcome_of,
    read_item,
)
from fhirserver.world.review_rules import holder
from fhirserver.world.units import member_of
from fhirserver.world.vocabulary import ACTIVITY, SOURCE_PREFIX

SYSTEM = "credence"
"""The source that keeps review items."""
TRIES = 5
"""How often a decision is made again on an item that somebody else changed meanwhile."""
_VERIFIER = {
    "coding": [
        {
            "system": "http://terminology.hl7.org/CodeSystem/provenance-participant-type",
            "code": "verifier",
        }
    ]
}


@dataclass(frozen=True, slots=True)
class Open:
    """A review item that somebody works on: the version it was read at, and the time."""

    id: str
    version: int
    task: JsonObject
    item: Item
    now: str


Opener: TypeAlias = Callable[[Context, Request], Awaitable[Open]]
Decider: TypeAlias = Callable[[Context, Request, Open], Awaitable[Sequence[Write]]]
"""What is written when an item of one kind is decided; the last write is the item itself."""


def by_kind(activity: str, deciders: Mapping[str, Decider], opener: Opener | None = None) -> Handler:
    """The operation that decides an item as its kind says, in one commit, and answers with the Task."""

    async def handler(context: Context, request: Request) -> Result:
        for _ in range(TRIES):
            opened = await (opener or open_item)(context, request)
            decider = deciders.get(opened.item.kind)
            if decider is None:
                text = f"${activity} is not for items of the kind '{opened.item.kind}'"
                raise refuse(Category.UNPROCESSABLE, "not-supported", text, "Task.code")
            outcome = await _committed(context, request, activity, await decider(context, request, opened))
            if outcome is not None:
                request.method = "PUT"
                return written(context, request, outcome.results[-1])
        text = "The item changes faster than it can be decided: look at it again"
        raise refuse(Category.CONFLICT, "conflict", text, "Task")

    return handler


async def _committed(
    context: Context, request: Request, activity: str, writes: Sequence[Write]
) -> Outcome | None:
    """The outcome, or None where somebody else changed the item since it was read."""
    try:
        return await context.store.submit(Command(statement(request, activity), writes))
    except Refusal as refusal:
        if refusal.category is Category.PRECONDITION_FAILED:
            return None
        raise


async def the_item(context: Context, request: Request) -> Open:
    """The item the request is about. Refuses other Tasks, and a version that the client has not seen (``If-Match``)."""
    version = await current(context, "Task", request.id)
    wanted = if_match(request.headers.get("if-match"))
    if wanted not in (None, ANY_VERSION, version.version):
        text = (
            f"Task/{request.id}: If-Match asks for another version, the current version is {version.version}"
        )
        raise refuse(Category.PRECONDITION_FAILED, "conflict", text, "Task")
    task: JsonObject = loads(version.content)
    if not is_review(task):
        raise refuse(Category.UNPROCESSABLE, "business-rule", "This Task is not a review item", "Task.code")
    try:
        item = read_item(task)
    except ValueError:
        text = "This Task does not hold claims as a review item does: see its profile"
        raise refuse(Category.UNPROCESSABLE, "business-rule", text, "Task.contained") from None
    return Open(request.id, version.version, task, item, instant(context.clock.now()))


async def open_item(context: Context, request: Request) -> Open:
    """The item if it waits for a decision and no other reviewer holds it."""
    opened = await the_item(context, request)
    if not opened.item.pending:
        text = f"The item is decided already: its status is {opened.item.status}; $undo takes that back"
        raise refuse(Category.CONFLICT, "conflict", text, "Task.status")
    not_held_by_others(opened, request)
    return opened


def not_held_by_others(opened: Open, request: Request) -> None:
    """Refuse (423) what another reviewer has claimed."""
    if holder(opened.item, opened.now) in ("", request.principal.name):
        return
    until = f" until {opened.item.until}" if opened.item.until else ""
    text = f"Another reviewer has claimed this item{until}"
    raise refuse(Category.LOCKED, "lock-error", text, "Task.owner")


def chosen(item: Item, claims: Sequence[ReviewClaim], units: Sequence[Json]) -> list[ReviewClaim]:
    """Those of the item's claims that the ``unit`` inputs name (by unit or path), or all of them."""
    if not units:
        return list(claims)
    named = {claim.identity: {claim.unit, path_of(item, claim.unit)} for claim in claims}
    if not set(units) <= set().union(*named.values()):
        text = "No claim of this item that is meant is on such a unit"
        raise refuse(Category.INVALID, "not-found", text, "Parameters.parameter.where(name='unit')")
    return [claim for claim in claims if not named[claim.identity].isdisjoint(units)]


def path_of(item: Item, unit: str) -> str:
    """``Patient.birthDate`` for a unit of the item's resource."""
    return f"{item.focus[0]}.{member_of(unit).removesuffix('[x]')}"


def principal_of(name: str) -> JsonObject:
    """A reviewer as a reference: Task.owner, Provenance.agent.who."""
    return {"identifier": {"system": f"{SOURCE_PREFIX}principal", "value": name}, "display": name}


def statement(request: Request, activity: str) -> Statement:
    """The reviewer's statement: who decides, on behalf of which source."""
    code = {"coding": [{"system": ACTIVITY, "code": activity}]}
    principal = request.principal
    source = {"identifier": {"system": "urn:ietf:rfc:3986", "value": SOURCE_PREFIX + principal.source.id}}
    agent = {"type": _VERIFIER, "who": principal_of(principal.name), "onBehalfOf": source}
    return Statement(principal.source.id, principal.name, method="review", agent=(agent,), activity=code)


def update_task(opened: Open, request: Request, changed: JsonObject) -> Put:
    """The write that puts the item into a new state; refused when somebody else changed it meanwhile."""
    own = replace(statement(request, ""), source=SYSTEM, activity=None)
    task = {name: value for name, value in copy.deepcopy(changed).items() if value is not None}
    return Put("Task", opened.id, task, if_match=opened.version, statement=own)


def decided_task(
    opened: Open, request: Request, done: Collection[ReviewClaim], decision: str, reason: str = ""
) -> Put:
    """The item after some or all of its claims were decided; it stays open while claims are left."""
    identities = {claim.identity for claim in done}
    made = Settled(decision, request.principal.name, opened.version + 1, reason)
    left = [claim for claim in opened.item.claims if claim.identity not in identities]
    decided = [*opened.item.decided, *_settled(opened.item.claims, identities, made)]
    task = holding(opened.task, [*left, *decided], opened.now)
    if left:
        return update_task(opened, request, {**task, "lastModified": opened.now})
    task = closed(task, "completed", outcome_of(decided), opened.now, reason)
    return update_task(opened, request, {**task, "owner": principal_of(request.principal.name)})


def _settled(
    claims: Iterable[ReviewClaim], identities: Collection[tuple[str, str, int]], made: Settled
) -> list[ReviewClaim]:
    return [replace(claim, settled=made) for claim in claims if claim.identity in identities]
