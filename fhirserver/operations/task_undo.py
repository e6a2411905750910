"""``Task/[id]/$undo``: what was decided on an item is taken back; the item is open again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from fhirserver.interactions.exchange import Context, Request
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.operations.parameters import inputs, one
from fhirserver.operations.task_duplicate import undo_duplicate
from fhirserver.operations.task_review import Open, by_kind, chosen, not_held_by_others, the_item, update_task
from fhirserver.ports.storage import Key, Version
from fhirserver.store.commands import Put, TakeBack, Write
from fhirserver.store.review_items import pending_items
from fhirserver.store.sent import has_reached
from fhirserver.store.taking_back import lost
from fhirserver.world.duplicates import DUPLICATE
from fhirserver.world.entity import source_of
from fhirserver.world.review import (
    CLAIMS,
    ReviewClaim,
    freed,
    holding,
    outcome,
    read_item,
    with_claims,
    without_claims,
)
from fhirserver.world.review_rules import holder
from fhirserver.world.undoing import ruled
from fhirserver.world.units import member_of


async def decided_item(context: Context, request: Request) -> Open:
    """The item, open or closed, unless another reviewer holds it."""
    opened = await the_item(context, request)
    not_held_by_others(opened, request)
    return opened


async def undo_claims(context: Context, request: Request, opened: Open) -> Sequence[Write]:
    """Take back all that was decided, or what was decided on the given ``unit``s, the latest first.

    Refused (409) where something later rests on it, or where an EHR has it already.
    """
    given, item = inputs(request), opened.item
    if not item.decided:
        raise refuse(Category.CONFLICT, "conflict", "Nothing is decided on this item", "Task.status")
    reason = str(one(given, "reason") or "")
    named = chosen(item, item.decided, given.get("unit", []))
    backs: list[TakeBack] = []
    reopened: list[ReviewClaim] = []
    for version in sorted({c.settled.version for c in named if c.settled is not None}, reverse=True):
        made_then = [c for c in item.decided if c.settled is not None and c.settled.version == version]
        some = [claim for claim in made_then if claim in named]
        taken = await _taken_back(context, opened, version, made_then, some, reason)
        backs += taken[0]
        reopened += taken[1]
    await _not_in_an_ehr(context, opened, backs)
    return (*backs, *await _reopened(context, request, opened, reopened, reason))


async def _taken_back(
    context: Context,
    opened: Open,
    version: int,
    made_then: Sequence[ReviewClaim],
    some: Sequence[ReviewClaim],
    reason: str,
) -> tuple[list[TakeBack], list[ReviewClaim]]:
    """What takes back the decision that made a version of the Task, or some of it, and the claims that open again."""
    position, events = await _events(context, opened, version)
    if not events:
        text = "What was decided is about another resource, since a merge: state the right value there"
        raise refuse(Category.CONFLICT, "conflict", text, "Task.focus")
    backs, reopened = [], {claim.identity: claim for claim in some}
    for event in events:
        units: frozenset[str] | None = frozenset(claim.unit for claim in some)
        if event["e"] == "asserted":
            reopened |= {claim.identity: claim for claim in made_then if _shares(claim, some)}
            whole = len(some) == len(made_then)
            units = None if whole else _corrected(event, position, some)
        backs.append(TakeBack(*opened.item.focus, position, event, units, reason))
    return backs, list(reopened.values())


def _shares(claim: ReviewClaim, some: Iterable[ReviewClaim]) -> bool:
    """Whether a correction that is taken back stated the claim's element."""
    return any(member_of(claim.unit) == member_of(one.unit) for one in some)


def _corrected(event: JsonObject, position: int, some: Iterable[ReviewClaim]) -> frozenset[str]:
    """The units that a correction stated on the elements of some claims."""
    members = {member_of(claim.unit) for claim in some}
    return frozenset(unit for unit, _, _ in ruled(event, position) if member_of(unit) in members)


async def _events(context: Context, opened: Open, version: int) -> tuple[int, list[JsonObject]]:
    """The position of the commit that made a version of the Task, and what it decided on the resource."""
    stored = await context.store.read_version("Task", opened.id, version)
    if stored is None:
        text = "The decision is not in the item's history: state the right value instead"
        raise refuse(Category.CONFLICT, "conflict", text, "Task")
    (commit,) = await context.store.read_log(stored.position - 1, 1)
    about = [
        {**event, "source": source_of(event, commit)}
        for event in commit.events
        if event["e"] in ("decided", "asserted") and (event["type"], event["id"]) == opened.item.focus
    ]
    return stored.position, [event for event in about if ruled(event, stored.position)]


async def _not_in_an_ehr(context: Context, opened: Open, backs: Sequence[TakeBack]) -> None:
    """Refuse what an EHR was told: there it stays, whatever is taken back here."""
    key = Key(*opened.item.focus)
    entity = await context.store.entity(*key)
    gone = lost(entity, backs) if entity is not None else {}
    found = await has_reached(context.store, key, gone) if gone else None
    if found is not None:
        source, unit = found
        text = (
            f"'{source}' was sent this already, and taking it back here would leave it there: "
            "state the right value with an update or patch, which is written to it in turn"
        )
        path = f"{key.type}.{member_of(unit).removesuffix('[x]')}"
        raise refuse(Category.CONFLICT, "conflict", text, path)


async def _reopened(
    context: Context, request: Request, opened: Open, claims: Collection[ReviewClaim], reason: str
) -> list[Write]:
    """The item with these claims open again, and with those of an item about the same resource that came since."""
    again = {claim.identity for claim in claims}
    decided = [claim for claim in opened.item.decided if claim.identity not in again]
    opens = [*opened.item.claims, *(replace(claim, settled=None) for claim in claims)]
    task = holding(freed(opened.task), [*opens, *decided], opened.now)
    task |= {"status": "requested", "businessStatus": outcome("reopened"), "lastModified": opened.now}
    task["statusReason"] = {"text": reason} if reason else None
    writes: list[Write] = []
    for other in await pending_items(context.store, *opened.item.focus):
        if other.id != opened.id:
            merged = _merged(opened, request, other)
            task = with_claims(task, read_item(loads(other.content)).claims, opened.now)
            writes.append(merged)
    return [*writes, update_task(opened, request, task)]


def _merged(opened: Open, request: Request, other: Version) -> Put:
    """The other item, called off because its claims go into this one. Refuses (423) one that is held."""
    task: JsonObject = loads(other.content)
    item = read_item(task)
    if holder(item, opened.now) not in ("", request.principal.name):
        text = f"Another reviewer holds Task/{other.id}, which is about the same resource"
        raise refuse(Category.LOCKED, "lock-error", text, "Task.focus")
    every = {claim.identity for claim in item.claims}
    why = f"Its claims are in Task/{opened.id}"
    called_off = without_claims(task, every, opened.now, "merged", why)
    there = Open(other.id, other.version, task, item, opened.now)
    return update_task(there, request, called_off)


task_undo = by_kind("undo", {CLAIMS: undo_claims, DUPLICATE: undo_duplicate}, decided_item)
