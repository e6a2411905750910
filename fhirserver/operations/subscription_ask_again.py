"""``Subscription/[id]/$ask-again``: the subscriber is asked again, at once, whatever went wrong before."""

from __future__ import annotations

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.operations.subscription_asking import state


async def subscription_ask_again(context: Context, request: Request) -> Result:
    """The Subscription becomes ``requested``; a topic's subscriber is sent a handshake.

    What happened while it was off is no event.
    """
    return await state(context, request, "requested")
