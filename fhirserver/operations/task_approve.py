"""``Task/[id]/$approve``: the reviewer confirms claims (0.95); they supersede what they were made against."""

from __future__ import annotations

from fhirserver.interactions.answers import written
from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.operations.parameters import inputs
from fhirserver.operations.task_review import chosen, decided_task, open_item, remaining, submit
from fhirserver.store.commands import Decide, Ruling


async def task_approve(context: Context, request: Request) -> Result:
    """Approve all claims of the item, or those on the given ``unit``s. Answers with the Task."""
    opened = await open_item(context, request)
    claims = chosen(opened.item, inputs(request).get("unit", []))
    rulings = [Ruling("approve", claim.unit, claim.source, claim.position) for claim in claims]
    left = remaining(opened.item, claims)
    writes = (Decide(*opened.item.focus, rulings), decided_task(opened, request, left, "approved"))
    outcome = await submit(context, request, "approve", writes)
    request.method = "PUT"
    return written(context, request, outcome.results[1])
