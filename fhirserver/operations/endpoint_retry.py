"""``Endpoint/[id]/$retry``: try dead letters again, some or all."""

from __future__ import annotations

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.operations.connector import connector_of, connectors_of
from fhirserver.operations.dead_letter_decisions import decided, meant
from fhirserver.operations.parameters import inputs, parameters
from fhirserver.store.dead_letters import again


async def endpoint_retry(context: Context, request: Request) -> Result:
    """The Tasks named, all without any, become ``requested``; a result for each. A sync is asked for with it."""
    name = await connector_of(context, request)
    tasks = await meant(context, name, inputs(request).get("task", []))
    results = [await decided(context, request, name, task, again) for task in tasks]
    await connectors_of(context).sync(name)
    return Result(200, parameters(results))
