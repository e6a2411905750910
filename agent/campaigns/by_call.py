"""Calls of campaigns: placed by the telephone of this process, each with its own conversation and its own record."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from datetime import datetime, timedelta
from typing import Protocol
from urllib.parse import parse_qs, urlsplit

from agent.campaigns.channels import Settled
from agent.campaigns.contacts import UNMADE, Contact
from agent.errand import Errand
from agent.telephony.calls import Calls
from agent.telephony.outbound import order_of
from agent.telephony.rest import Made
from agent.telephony.webhooks import ORDER
from fhirserver.kernel.instants import Clock, SystemClock

_SLACK = timedelta(minutes=1)
_KNOWN_AFTER = timedelta(minutes=20)
"""Until then Twilio may not tell yet what a call was asked about: 15 minutes after its end."""
_GOING = frozenset({"queued", "initiated", "ringing", "in-progress"})
_UNREACHED = {"busy": "busy", "no-answer": "no-answer", "canceled": "failed", "failed": "failed"}


class Places(Protocol):
    """Whoever places calls."""

    async def place(self, key: str, to: str, errand: Errand) -> str: ...


class Asks(Protocol):
    """The carrier, asked about calls. Both raise RestFailed."""

    async def calls(self, to: str, since: datetime) -> Sequence[Made]: ...

    async def asked_of(self, sid: str) -> Sequence[str]: ...


class CallChannel:
    """Implements :class:`agent.campaigns.channels.Channel`. ``spare`` lines are kept for those who call us."""

    def __init__(self, calls: Calls, places: Places, asks: Asks, spare: int, clock: Clock | None = None):
        self._calls, self._places, self._asks, self._spare = calls, places, asks, spare
        self._clock = clock or SystemClock()

    @property
    def free(self) -> int:
        if self._calls.full:
            return 0
        return max(self._calls.settings.most_calls - self._calls.under_way - self._spare, 0)

    async def reach(self, errand: Errand, number: str, words: str) -> Awaitable[None] | None:
        sid = await self._places.place(errand.id, number, errand)
        call = self._calls.get(sid)
        return call.wait() if call is not None else None

    async def settle(self, contact: Contact) -> Settled | None:
        """By the addresses that Twilio asked of the call, since people may share a number; a call of which it tells
        nothing counts as this one."""
        of, since = order_of(contact.name), contact.sent - _SLACK
        unknown = ""
        for made in await self._asks.calls(contact.to, since):
            orders = _orders(await self._asks.asked_of(made.sid))
            if of in orders:
                return _settled(made.status)
            if not orders:
                unknown = unknown or made.status
        if unknown and self._clock.now() - contact.sent < _KNOWN_AFTER:
            return None
        return _settled(unknown) if unknown else Settled(UNMADE, False, "the carrier knows of no such call")


def _orders(addresses: Sequence[str]) -> frozenset[str]:
    """Our names of calls in the addresses that the carrier has asked."""
    return frozenset(one for address in addresses for one in parse_qs(urlsplit(address).query).get(ORDER, ()))


def _settled(status: str) -> Settled | None:
    if status in _GOING:
        return None
    if status in _UNREACHED:
        return Settled(_UNREACHED[status], False, status)
    return Settled("interrupted", True, "the process that held the call ended before its record was written")
