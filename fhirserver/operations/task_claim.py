"""``Task/[id]/$claim`` and ``$release``: one reviewer at a time holds an item."""

from __future__ import annotations

from fhirserver.interactions.answers import written
from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.operations.task_review import open_item, owner, submit, update_task


async def task_claim(context: Context, request: Request) -> Result:
    """Take the item; 423 while another reviewer has it."""
    opened = await open_item(context, request)
    put = update_task(opened, request, status="accepted", owner=owner(request.principal.name))
    outcome = await submit(context, request, "claim", (put,))
    request.method = "PUT"
    return written(context, request, outcome.results[0])


async def task_release(context: Context, request: Request) -> Result:
    """Give the item back."""
    opened = await open_item(context, request)
    put = update_task(opened, request, status="requested", owner=None)
    outcome = await submit(context, request, "release", (put,))
    request.method = "PUT"
    return written(context, request, outcome.results[0])
