"""A link on its way to a patient: one message at most, under the form's name.

A message that was certainly never made (``not-placed``) may be made again, under the next name. Whatever else became of
one, there is no second.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from agent.campaigns.contacts import UNMADE
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.ports.forms import NOT_SENT
from fhirserver.ports.texts_out import TextOrder, TextsOut

_MOST = 20
"""As many messages of one form as the carrier may have refused."""


async def deliver(
    texts: TextsOut, order: TextOrder, by: str, outcome_of: Callable[[str], Awaitable[str]]
) -> None:
    """Send the message, unless it was sent. ``outcome_of`` tells the outcome that a Communication has. Refuses (409)
    where it did not arrive, (503) where that is not known yet, and whatever ``texts`` refuses."""
    for number in range(1, _MOST + 1):
        named = order if number == 1 else replace(order, id=f"{order.id}.{number}")
        told = await texts.send(named, by)
        if not told.repeated or told.status == "completed":
            return
        if told.status != "not-done":
            words = "The message is on its way, or nobody knows yet whether it is. Please look again in some minutes"
            raise refuse(Category.BUSY, "transient", words)
        if await outcome_of(told.communication) != UNMADE:
            break
    words = "The message to the patient did not arrive. Hand the link on instead"
    raise refuse(Category.CONFLICT, "business-rule", words, "form", problem=NOT_SENT)
