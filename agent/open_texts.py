"""Messages that were ordered one by one, and left open by a process that died: asked after, and put on record.

Those of campaigns are asked after by the engine. Whoever ordered one learns of it by ordering it again.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import Protocol

from agent.campaigns.channels import Settled
from agent.campaigns.contacts import Contact, contact
from agent.campaigns.ledger import Ledger
from agent.campaigns.seen_open import LEFT_OPEN, SeenOpen
from agent.communication import CALL_OUT, CHANNEL
from agent.errand import NotPlaced
from agent.telephony.rest import RestFailed
from agent.tools.client import Unreachable
from fhirserver.kernel.wall import waiting

EVERY_SECONDS = 60.0
_BY = "telephone"
log = logging.getLogger("credence.telephony")


class Settles(Protocol):
    """The carrier, asked about a message. Raises RestFailed and Unreachable."""

    async def settle(self, contact: Contact) -> Settled | None: ...


@dataclass
class OpenTexts:
    """Any number of processes may do it: each is written on the version that was read."""

    ledger: Ledger
    sender: Settles
    seen: SeenOpen = field(default_factory=SeenOpen)

    async def run(self) -> None:
        """Until cancelled; what could not be asked now is asked the next time."""
        while True:
            await asyncio.sleep(waiting(EVERY_SECONDS))
            try:
                await self.turn()
            except (RestFailed, NotPlaced, Unreachable) as error:
                log.warning("messages that were left open could not be asked after: %s", type(error).__name__)

    async def turn(self) -> int:
        """Ask after those that are old enough not to be just under way; how many were settled."""
        settled = 0
        for one in await self._open():
            if self._is_old(one) and (found := await self.sender.settle(one)) is not None:
                settled += await self.ledger.settle(one, found, _BY)
        return settled

    async def _open(self) -> list[Contact]:
        """Those of no outreach."""
        params = [
            ("identifier", f"{CALL_OUT}|"),
            ("status", "preparation,in-progress"),
            ("category", f"{CHANNEL}|sms,{CHANNEL}|form"),
            ("_sort", "sent"),
            ("_count", "100"),
        ]
        found = [contact(one) for one in await self.ledger.page("Communication", params)]
        return [one for one in found if one is not None and not one.request]

    def _is_old(self, one: Contact) -> bool:
        return self.seen.long_enough(one) and one.sent + LEFT_OPEN <= self.ledger.clock.now()
