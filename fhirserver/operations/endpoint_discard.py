"""``Endpoint/[id]/$discard``: nobody shall try these dead letters again."""

from __future__ import annotations

from functools import partial

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.operations.connector import connector_of
from fhirserver.operations.dead_letter_decisions import decided, meant
from fhirserver.operations.parameters import inputs, one, parameters
from fhirserver.store.dead_letters import discarded


async def endpoint_discard(context: Context, request: Request) -> Result:
    """The Tasks named become ``cancelled``, with the reason; a result for each."""
    name = await connector_of(context, request)
    given = inputs(request)
    reason = str(one(given, "reason", required=True))
    if not given.get("task"):
        text = "'task' is needed: which dead letters are meant"
        raise refuse(Category.INVALID, "required", text, "Parameters.parameter.where(name='task')")
    change = partial(_discarded, reason=reason)
    tasks = await meant(context, name, given["task"])
    return Result(200, parameters([await decided(context, request, name, task, change) for task in tasks]))


def _discarded(task: JsonObject, reason: str) -> JsonObject:
    return discarded(task, reason)
