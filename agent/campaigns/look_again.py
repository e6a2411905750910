"""Something became known about an outreach: it is looked at at once, not when its turn would have come."""

from __future__ import annotations

from agent.campaigns.ledger import Ledger
from agent.campaigns.members import later, member
from fhirserver.kernel.json import JsonObject

_TRIES = 3


async def look_again(ledger: Ledger, communication: JsonObject) -> None:
    """``communication`` is what belongs to the outreach. Raises :class:`Unreachable`."""
    for reference in (str(one.get("reference", "")) for one in communication.get("basedOn", ())):
        if reference.startswith("CommunicationRequest/"):
            await look_at(ledger, reference)


async def look_at(ledger: Ledger, reference: str) -> None:
    """``reference`` is a CommunicationRequest. Raises :class:`Unreachable`."""
    for _ in range(_TRIES):
        resource = await ledger.client.read(reference)
        if resource is None or resource.get("status") != "active":
            return
        try:
            one = member(resource)
        except (KeyError, ValueError, StopIteration):
            return
        if one.next <= ledger.clock.now():
            return
        if await ledger.put(later(one, ledger.clock.now(), "something became known"), one.version, ""):
            return
