"""What the operations by which an operator looks after somebody else's Subscription share."""

from __future__ import annotations

from fhirserver.interactions.answers import written
from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.read import current
from fhirserver.interactions.subscription.governing import governed
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.ports.log import Statement
from fhirserver.store.commands import Amend, Command
from fhirserver.world.survivorship import claims_on, contend

_SYSTEM = "credence"


async def state(context: Context, request: Request, status: str) -> Result:
    """Give the Subscription a status, and answer with it as it is then. Refuses (404, 410) what is not there, and (422)
    to ask for what could not be served.

    It is said in the name of the source whose word on the status holds, so that its owner may ask for it again; the
    owner remains, for nothing changes in what is asked for.
    """
    version = await current(context, "Subscription", request.id)
    await governed(context, _with(loads(version.content), status))
    entity = await context.store.entity("Subscription", request.id)
    if entity is None:
        raise refuse(Category.NOT_FOUND, "not-found", "There is no such Subscription")
    win = contend(claims_on(entity.ledger, "status"))
    speaker = win.claim.speaker if win else _SYSTEM
    says = Statement(speaker, principal=request.principal.name, method="confirmed")
    amend = Amend("Subscription", request.id, lambda before: _with(before, status), version.version)
    outcome = await context.store.submit(Command(says, (amend,)))
    request.method = "PUT"
    return written(context, request, outcome.results[0])


def _with(subscription: JsonObject, status: str) -> JsonObject:
    kept = {name: value for name, value in subscription.items() if name != "error" or status == "off"}
    return {**kept, "status": status}
