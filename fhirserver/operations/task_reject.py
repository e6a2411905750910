"""``Task/[id]/$reject``: the reviewer rejects claims (0.0), with a reason; the world is decided without them."""

from __future__ import annotations

from fhirserver.interactions.answers import written
from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.operations.parameters import inputs, one
from fhirserver.operations.task_review import chosen, decided_task, open_item, remaining, submit
from fhirserver.store.commands import Decide, Ruling


async def task_reject(context: Context, request: Request) -> Result:
    """Reject all claims of the item, or those on the given ``unit``s; ``reason`` is needed."""
    opened = await open_item(context, request)
    given = inputs(request)
    reason = str(one(given, "reason", required=True))
    claims = chosen(opened.item, given.get("unit", []))
    rulings = [Ruling("reject", claim.unit, claim.source, claim.position, reason) for claim in claims]
    left = remaining(opened.item, claims)
    writes = (Decide(*opened.item.focus, rulings), decided_task(opened, request, left, "rejected", reason))
    outcome = await submit(context, request, "reject", writes)
    request.method = "PUT"
    return written(context, request, outcome.results[1])
