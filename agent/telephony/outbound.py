"""Calls out: placed once for each key, made ready while they ring, with answering machines told from people."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Protocol
from urllib.parse import quote

from agent.errand import Errand
from agent.telephony.calls import Calls
from agent.telephony.incoming import Incoming
from agent.telephony.rest import Made, RestFailed
from agent.telephony.settings import TelephonySettings
from agent.telephony.twiml import ROOT
from agent.telephony.webhooks import ORDER
from fhirserver.kernel.instants import Clock, SystemClock

_RINGS = 30
"""Seconds a call out rings."""
_LOST = 60.0
"""Seconds after which a call out that nobody has told of any more is given up."""


def order_of(key: str) -> str:
    """The name of a call until Twilio has given it one; operators see it under this one throughout."""
    return f"out-{key}"


class PlacesCalls(Protocol):
    """The REST API as far as it is needed. All raise RestFailed."""

    async def call(self, to: str, parameters: Mapping[str, Any]) -> str: ...

    async def calls(self, to: str, since: datetime) -> Sequence[Made]: ...


class Outbound:
    """Places calls. ``key`` is the caller's own name for one call, such as a Task's id: the same key calls once."""

    def __init__(
        self, settings: TelephonySettings, calls: Calls, api: PlacesCalls, clock: Clock | None = None
    ):
        self._settings, self._calls, self._api = settings, calls, api
        self._clock = clock or SystemClock()
        self._placed: dict[str, asyncio.Task[str]] = {}

    async def place(self, key: str, to: str, errand: Errand) -> str:
        """Call ``to`` for ``errand``; the CallSid.

        Raises RestFailed. Where it is sure that no call was made, the same key may be tried again; where nobody knows,
        it was looked for and not found, and the same key asks Twilio again before it calls.
        """
        placing = self._placed.get(key)
        if placing is None or (placing.done() and placing.exception() is not None):
            before = placing is not None and not _sure(placing)
            placing = self._placed[key] = asyncio.create_task(self._place(key, to, errand, before))
        return await asyncio.shield(placing)

    @property
    def full(self) -> bool:
        """Whether one more call would be too many."""
        return self._calls.full

    def placed(self, key: str) -> str:
        """The CallSid of the call that was placed under this key by this process; empty where there is none."""
        placing = self._placed.get(key)
        known = (
            placing is not None and placing.done() and not placing.cancelled() and placing.exception() is None
        )
        return placing.result() if placing is not None and known else ""

    async def _place(self, key: str, to: str, errand: Errand, before: bool) -> str:
        since = self._clock.now() - timedelta(seconds=_LOST if before else 0)
        if before and (found := await self._unknown(to, since)):
            return found
        order = order_of(key)
        settings = self._settings
        notice = settings.notice if settings.recording else ""
        if not errand.request:  # a campaign says itself what a machine is left
            errand = replace(errand, message=settings.voicemail)
        incoming = Incoming(order, to, settings.number, errand, settings.recording, notice)
        call = self._calls.prepare(incoming)  # one that was given up before is over
        call.expect_answer(_RINGS + _LOST)
        try:
            sid = await self._api.call(to, self._parameters(order, bool(errand.message)))
        except RestFailed as failed:
            sid = "" if failed.sure else await self._unknown(to, since)
            if not sid:
                self._calls.end(order, "not placed" if failed.sure else "failed")
                raise
        self._calls.rename(order, sid)
        return sid

    async def _unknown(self, to: str, since: datetime) -> str:
        """The CallSid of a call to this number that was made since then and is none of those that are known: people
        may share a number. Empty for none. Raises RestFailed."""
        made = await self._api.calls(to, since)
        return next((one.sid for one in reversed(made) if self._calls.get(one.sid) is None), "")

    def _parameters(self, order: str, leaves_message: bool) -> dict[str, Any]:
        """Of Twilio's Calls resource (https://www.twilio.com/docs/voice/api/call-resource#create-a-call-resource)."""
        query = f"?{ORDER}={quote(order, safe='')}"
        base = f"{self._settings.base}{ROOT}"
        return {
            "url": f"{base}/answered{query}",
            "method": "POST",
            "status_callback": f"{base}/status{query}",
            "status_callback_event": ["completed"],
            "timeout": _RINGS,
            "machine_detection": "DetectMessageEnd" if leaves_message else "Enable",
            "async_amd": "true",
            "async_amd_status_callback": f"{base}/machine{query}",
        }


def _sure(placing: asyncio.Task[str]) -> bool:
    error = placing.exception()
    return isinstance(error, RestFailed) and error.sure
