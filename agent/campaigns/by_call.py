"""Calls of campaigns: placed by the telephone of this process, each with its own conversation and its own record."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime, timedelta
from typing import Protocol

from agent.campaigns.channels import Settled
from agent.campaigns.contacts import UNMADE, Contact
from agent.errand import Errand
from agent.telephony.calls import Calls

_SLACK = timedelta(minutes=1)
_GOING = frozenset({"queued", "initiated", "ringing", "in-progress"})
_UNREACHED = {"busy": "busy", "no-answer": "no-answer", "canceled": "failed", "failed": "failed"}


class Places(Protocol):
    """Whoever places calls."""

    async def place(self, key: str, to: str, errand: Errand) -> str: ...


class Asks(Protocol):
    """The carrier, asked about calls. Raises RestFailed."""

    async def called(self, to: str, since: datetime) -> tuple[str, str]: ...


class CallChannel:
    """Implements :class:`agent.campaigns.channels.Channel`. ``spare`` lines are kept for those who call us."""

    def __init__(self, calls: Calls, places: Places, asks: Asks, spare: int):
        self._calls, self._places, self._asks, self._spare = calls, places, asks, spare

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
        sid, status = await self._asks.called(contact.to, contact.sent - _SLACK)
        if not sid:
            return Settled(UNMADE, False, "the carrier knows of no such call")
        if status in _GOING:
            return None
        if status in _UNREACHED:
            return Settled(_UNREACHED[status], False, status)
        return Settled(
            "interrupted", True, "the process that held the call ended before its record was written"
        )
