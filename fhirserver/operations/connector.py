"""What the operations on connectors share: which connector an Endpoint is, and how its status is changed."""

from __future__ import annotations

from fhirserver.interactions.exchange import Context, Request
from fhirserver.interactions.read import current
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.ports.connectors import Connectors
from fhirserver.ports.log import Statement
from fhirserver.store.commands import Amend, Command, Written

SYSTEM = "credence"


def connectors_of(context: Context) -> Connectors:
    """The connectors. Refuses (501) where this server can have none."""
    if context.connectors is None:
        raise refuse(Category.NOT_SUPPORTED, "not-supported", "This server runs no connectors")
    return context.connectors


async def connector_of(context: Context, request: Request) -> str:
    """The name of the connector that the Endpoint is. Refuses (404, 410, 422) where it is none."""
    await current(context, "Endpoint", request.id)
    name = await connectors_of(context).named(request.id)
    if not name:
        text = "This Endpoint is not a connector: it lacks the extension and identifier of one"
        raise refuse(Category.UNPROCESSABLE, "business-rule", text, "Endpoint.extension")
    return name


async def put_status(context: Context, request: Request, status: str) -> Written:
    """State the Endpoint's status, by whom it was asked."""
    own = Statement(SYSTEM, principal=request.principal.name, method="confirmed")

    def change(endpoint: JsonObject) -> JsonObject:
        return {**endpoint, "status": status}

    outcome = await context.store.submit(Command(own, (Amend("Endpoint", request.id, change),)))
    return outcome.results[0]
