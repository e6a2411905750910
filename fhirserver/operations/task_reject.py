"""``Task/[id]/$reject``: the reviewer rejects claims (0.0), with a reason; the world is decided without them.
Two patients who are two people stay two."""

from __future__ import annotations

from collections.abc import Sequence

from fhirserver.interactions.exchange import Context, Request
from fhirserver.operations.parameters import inputs, one
from fhirserver.operations.task_duplicate import reject_duplicate
from fhirserver.operations.task_review import Open, by_kind, chosen, decided_task
from fhirserver.store.commands import Decide, Ruling, Write
from fhirserver.world.duplicates import DUPLICATE
from fhirserver.world.review import CLAIMS


async def reject_claims(context: Context, request: Request, opened: Open) -> Sequence[Write]:
    """Reject all claims of the item, or those on the given ``unit``s; ``reason`` is needed."""
    given = inputs(request)
    reason = str(one(given, "reason", required=True))
    claims = chosen(opened.item, opened.item.claims, given.get("unit", []))
    rulings = [Ruling("reject", claim.unit, claim.source, claim.position, reason) for claim in claims]
    return (Decide(*opened.item.focus, rulings), decided_task(opened, request, claims, "reject", reason))


task_reject = by_kind("reject", {CLAIMS: reject_claims, DUPLICATE: reject_duplicate})
