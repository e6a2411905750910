"""``Endpoint/[id]/$sync``: pull from the EHR now, and try what waits to be written to it."""

from __future__ import annotations

from fhirserver.interactions.answers import outcome_bytes
from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.kernel.outcomes import Category, Issue, refuse
from fhirserver.operations.connector import connector_of, connectors_of
from fhirserver.ports.connectors import Asked

_REFUSED = {
    Asked.RUNNING: (Category.CONFLICT, "conflict", "A sync is running already"),
    Asked.PAUSED: (Category.BUSY, "transient", "The connector is paused; $resume it first"),
    Asked.DOWN: (Category.BUSY, "transient", "The EHR does not answer: the circuit breaker is open"),
    Asked.IDLE: (Category.BUSY, "transient", "The connector is off, or no process works on it yet"),
}


async def endpoint_sync(context: Context, request: Request) -> Result:
    """202 where it was asked for, also outside the connector's hours; 409 where one runs; 503 where none can."""
    asked = await connectors_of(context).sync(await connector_of(context, request))
    if asked is not Asked.ACCEPTED:
        raise refuse(*_REFUSED[asked], "Endpoint.status")
    text = "A sync was asked for; $connector-status says when it has ended"
    return Result(202, outcome_bytes(Issue("informational", text, severity="information")))
