"""Review items in the store: the one pending item of an entity, with claims added to it and taken off."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from fhirserver.kernel.ids import derived_id
from fhirserver.kernel.instants import SystemClock, comparable, instant, microseconds
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.kernel.references import walk_references
from fhirserver.ports.storage import Version
from fhirserver.search.expression import And, DateIs, Or, Query, ReferenceIs, SortKey, TokenIs
from fhirserver.store.commands import Put
from fhirserver.store.store import Store
from fhirserver.world.entity import Entity
from fhirserver.world.review import (
    CLAIMS,
    PENDING,
    REVIEW,
    ReviewClaim,
    kind_of,
    read_item,
    review_task,
    with_claims,
    without_claims,
)
from fhirserver.world.view import View
from fhirserver.world.vocabulary import REVIEW_KIND, TASK_CODE

_MOST = 100
VERIFIED = "Verified by machine: nothing is left to review"
_IS_REVIEW = TokenIs("code", TASK_CODE, REVIEW)
_HAS_CLAIMS = TokenIs("code", REVIEW_KIND, CLAIMS)
_IS_PENDING = Or(tuple(TokenIs("status", None, status) for status in PENDING))
IS_PENDING_REVIEW = And((_IS_REVIEW, _IS_PENDING))
_KEPT = Or(tuple(TokenIs("status", None, status) for status in ("proposed", "pending", "booked", "arrived")))
"""Statuses of an appointment that will be, or is."""


async def pending_items(store: Store, type: str, id: str) -> Sequence[Version]:
    """The items with claims about ``type/id`` that wait, the oldest first; more than one for a moment at most."""
    where = And((_IS_REVIEW, ReferenceIs("focus", type, id), _IS_PENDING))
    found = (await store.search(Query("Task", where, count=_MOST))).versions
    return [version for version in found if kind_of(loads(version.content)) == CLAIMS]


async def pending_item(store: Store, type: str, id: str) -> Version | None:
    """The item that waits for a decision about ``type/id``, if there is one."""
    return next(iter(await pending_items(store, type, id)), None)


async def reviewed(
    store: Store,
    entity: Entity,
    claims: Sequence[ReviewClaim],
    settled: Collection[tuple[str, str, int]] = (),
    evidence: str = "",
) -> Put | None:
    """The write that adds claims to the entity's pending item and takes the settled ones off it.

    Makes the item where there is none, calls it off where nothing is left; None where nothing is to be done. Two
    who make it at once give it the same id, so that the second is refused and looks again.
    """
    if not claims and not settled:
        return None
    pending = await pending_item(store, *entity.key)
    if pending is None:
        return await _made(store, entity, claims, evidence) if claims else None
    before: JsonObject = loads(pending.content)
    now = instant(SystemClock().now())
    task = with_claims(before, claims, now) if claims else before
    task = without_claims(task, settled, now, "moot", VERIFIED)
    return Put("Task", pending.id, task, if_match=pending.version) if task != before else None


async def _made(store: Store, entity: Entity, claims: Sequence[ReviewClaim], evidence: str) -> Put:
    at = SystemClock().now()
    patient = patient_of(entity)
    due = await due_of(store, entity, patient, at)
    id = await _free_id(store, entity)
    task = review_task(*entity.key, claims, entity.recorded, patient, evidence, due, instant(at))
    return Put("Task", id, task, create=True)


async def _free_id(store: Store, entity: Entity) -> str:
    """The id of the next item about the entity: the same for all who ask before it is taken."""
    number = await store.count(Query("Task", And((_HAS_CLAIMS, ReferenceIs("focus", *entity.key)))))
    while await store.read("Task", id := derived_id(REVIEW, str(entity.key), str(number))) is not None:
        number += 1
    return id


async def due_of(store: Store, entity: Entity, patient: str, now: datetime) -> str:
    """When it matters: an appointment's own start, for all else the patient's next appointment; empty where none is."""
    if entity.key.type == "Appointment":
        return _start(entity.json)
    return await next_appointment(store, patient, now) if patient else ""


async def next_appointment(store: Store, patient: str, now: datetime) -> str:
    """When a patient (a reference) comes next: an instant, or empty."""
    type, _, id = patient.partition("/")
    begin = microseconds(instant(now))
    where = And((ReferenceIs("patient", type, id), DateIs("date", "ge", begin, begin + 1), _KEPT))
    query = Query("Appointment", where, (SortKey("date", "date"),), count=1)
    page = await store.search(query)
    return _start(loads(page.versions[0].content)) if page.versions else ""


def _start(appointment: JsonObject) -> str:
    try:
        return comparable(str(appointment["start"]))
    except (KeyError, ValueError):
        return ""


async def outdated(store: Store, entity: Entity) -> set[tuple[str, str, int]]:
    """The claims of the entity's pending item that are not what their sources say any more."""
    pending = await pending_item(store, *entity.key)
    claims = read_item(loads(pending.content)).claims if pending else ()
    views = {view.source: view for view in entity.ledger.views if view.deleted is None}
    return {claim.identity for claim in claims if not _says(views.get(claim.source), claim)}


def _says(view: View | None, claim: ReviewClaim) -> bool:
    stamp = view.stamp(claim.unit) if view else None
    return stamp is not None and stamp.position == claim.position


def patient_of(entity: Entity) -> str:
    """The reference to the patient that a resource is about, or empty."""
    if entity.key.type == "Patient":
        return str(entity.key)
    content: JsonObject = entity.json
    references = (str(holder["reference"]) for holder in walk_references(content))
    return next((text for text in references if text.startswith("Patient/")), "")
