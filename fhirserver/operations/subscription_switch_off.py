"""``Subscription/[id]/$switch-off``: nothing is sent to the subscriber any more."""

from __future__ import annotations

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.operations.subscription_asking import state


async def subscription_switch_off(context: Context, request: Request) -> Result:
    """The Subscription becomes ``off``; what it has not taken is not sent any more."""
    return await state(context, request, "off")
