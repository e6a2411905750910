"""``Endpoint/[id]/$resume``: the connector works again, also one that was off."""

from __future__ import annotations

from fhirserver.interactions.answers import written
from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.operations.connector import connector_of, put_status


async def endpoint_resume(context: Context, request: Request) -> Result:
    """The Endpoint becomes ``active``. Answers with it."""
    await connector_of(context, request)
    request.method = "PUT"
    return written(context, request, await put_status(context, request, "active"))
