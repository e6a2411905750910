"""Review items in the store: the one pending item of an entity, with claims added to it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from fhirserver.kernel.ids import new_id
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.kernel.references import walk_references
from fhirserver.ports.storage import Version
from fhirserver.search.expression import And, Or, Query, ReferenceIs, TokenIs
from fhirserver.store.commands import Put
from fhirserver.store.store import Store
from fhirserver.world.entity import Entity
from fhirserver.world.ledger import View
from fhirserver.world.review import PENDING, REVIEW, ReviewClaim, read_item, review_task, with_claims
from fhirserver.world.vocabulary import TASK_CODE


async def pending_item(store: Store, type: str, id: str) -> Version | None:
    """The item that waits for a decision about ``type/id``, if there is one."""
    where = And(
        (
            TokenIs("code", TASK_CODE, REVIEW),
            ReferenceIs("focus", type, id),
            Or(tuple(TokenIs("status", None, status) for status in PENDING)),
        )
    )
    page = await store.search(Query("Task", where, count=1))
    return page.versions[0] if page.versions else None


async def reviewed(
    store: Store,
    entity: Entity,
    claims: Sequence[ReviewClaim],
    settled: Collection[tuple[str, str, int]] = (),
    evidence: str = "",
) -> Put | None:
    """The write that adds claims to the entity's pending item and takes the settled ones off it.

    Makes the item where there is none, calls it off where nothing is left; None where nothing is to be done.
    """
    if not claims and not settled:
        return None
    pending = await pending_item(store, *entity.key)
    if pending is None:
        task = review_task(*entity.key, claims, entity.recorded, patient_of(entity), evidence)
        return Put("Task", new_id(), task, create=True) if claims else None
    before: JsonObject = loads(pending.content)
    task = without_claims(with_claims(before, claims) if claims else before, settled)
    return Put("Task", pending.id, task, if_match=pending.version) if task != before else None


async def outdated(store: Store, entity: Entity) -> set[tuple[str, str, int]]:
    """The claims of the entity's pending item that are not what their sources say any more."""
    pending = await pending_item(store, *entity.key)
    claims = read_item(loads(pending.content)).claims if pending else ()
    views = {view.source: view for view in entity.ledger.views if view.deleted is None}
    return {claim.identity for claim in claims if not _says(views.get(claim.source), claim)}


def _says(view: View | None, claim: ReviewClaim) -> bool:
    stamp = view.stamp(claim.unit) if view else None
    return stamp is not None and stamp.position == claim.position


def without_claims(task: JsonObject, settled: Collection[tuple[str, str, int]]) -> JsonObject:
    """The item without the claims that need nobody any more."""
    item = read_item(task)
    left = [claim for claim in item.claims if claim.identity not in settled]
    if len(left) == len(item.claims):
        return task
    if not left:
        reason = {"text": "Nothing is left to review: verified by machine, or taken back"}
        return {**task, "status": "cancelled", "statusReason": reason}
    fresh = review_task(*item.focus, left, task["authoredOn"])
    return {**task, **{name: fresh[name] for name in ("contained", "description", "priority")}}


def patient_of(entity: Entity) -> str:
    """The reference to the patient that a resource is about, or empty."""
    if entity.key.type == "Patient":
        return str(entity.key)
    content: JsonObject = entity.json
    references = (str(holder["reference"]) for holder in walk_references(content))
    return next((text for text in references if text.startswith("Patient/")), "")
