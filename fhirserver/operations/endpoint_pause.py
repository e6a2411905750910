"""``Endpoint/[id]/$pause``: nothing is asked of the EHR any more; what is to be written waits."""

from __future__ import annotations

from fhirserver.interactions.answers import written
from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.operations.connector import connector_of, put_status


async def endpoint_pause(context: Context, request: Request) -> Result:
    """The Endpoint becomes ``suspended``. Answers with it; attempts that run are ended in order."""
    await connector_of(context, request)
    request.method = "PUT"
    return written(context, request, await put_status(context, request, "suspended"))
