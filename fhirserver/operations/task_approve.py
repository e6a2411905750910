"""``Task/[id]/$approve``: the reviewer confirms claims (0.95), which supersede what they were made against; two
patients who are one are merged."""

from __future__ import annotations

from collections.abc import Sequence

from fhirserver.interactions.exchange import Context, Request
from fhirserver.operations.parameters import inputs
from fhirserver.operations.task_duplicate import approve_duplicate
from fhirserver.operations.task_review import Open, by_kind, chosen, decided_task
from fhirserver.store.commands import Decide, Ruling, Write
from fhirserver.world.duplicates import DUPLICATE
from fhirserver.world.review import CLAIMS


async def approve_claims(context: Context, request: Request, opened: Open) -> Sequence[Write]:
    """Approve all claims of the item, or those on the given ``unit``s."""
    claims = chosen(opened.item, opened.item.claims, inputs(request).get("unit", []))
    rulings = [Ruling("approve", claim.unit, claim.source, claim.position) for claim in claims]
    return (Decide(*opened.item.focus, rulings), decided_task(opened, request, claims, "approve"))


task_approve = by_kind("approve", {CLAIMS: approve_claims, DUPLICATE: approve_duplicate})
