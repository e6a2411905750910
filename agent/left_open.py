"""Conversations by telephone that a process which died has left open on record: they are closed, once, with the reason.

What was said in them is lost with the process; who was cut off is left to people. Conversations in an app's chat are
none of these: they are kept while they go on, and the next process goes on with them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from agent.campaigns.ledger import Ledger
from agent.campaigns.staff import cut_off
from agent.communication import CARRIED, OUTCOME
from agent.tools.client import Unreachable, version_of
from fhirserver.kernel.instants import instant
from fhirserver.kernel.json import JsonObject

log = logging.getLogger("credence.telephony")

FIRST = 20.0
"""Seconds after the start until the first look: whatever a process that died had sent to the server has arrived."""
_EVERY = 300.0
_PAGE = 100
LONGEST = timedelta(hours=6)
"""After so long one that began while this process ran, and is not its own, has been left by another that died."""
_WHY = "the process that held the conversation ended before its record was written"


class LeftOpen:
    """``held`` are the references of those that go on in this process."""

    def __init__(self, ledger: Ledger, held: Callable[[], Collection[str]], first: float = FIRST):
        self._ledger, self._held, self._first = ledger, held, first
        self._started = ledger.clock.now()

    async def run(self) -> None:
        """Until cancelled."""
        pause = self._first
        while True:
            await asyncio.sleep(pause)
            try:
                await self.close()
                pause = _EVERY
            except Unreachable as error:
                log.warning("conversations that were left open cannot be looked for: %s", error)
                pause = self._first

    async def close(self) -> int:
        """Close those that nobody holds any more; how many. Raises :class:`Unreachable`."""
        now, count = self._ledger.clock.now(), 0
        for before in (self._started, now - LONGEST):
            for resource in await self._open(before):
                count += await self._closed(resource, now)
        if count:
            log.warning("%d conversations that a process had left open were closed", count)
        return count

    async def _open(self, before: datetime) -> list[JsonObject]:
        params = [
            ("identifier", f"{CARRIED}|"),
            ("status", "in-progress"),
            ("sent", f"lt{instant(before)}"),
            ("_count", str(_PAGE)),
        ]
        held = self._held()
        found = await self._ledger.page("Communication", params)
        return [one for one in found if f"Communication/{one['id']}" not in held]

    async def _closed(self, resource: JsonObject, now: datetime) -> bool:
        """The Task for people first: it is made once, however often this is begun."""
        task, unless = cut_off(resource, self._ledger.speaker.reference(), now)
        await self._ledger.make(task, unless, "")
        made = {name: value for name, value in resource.items() if name not in ("meta", "text")}
        reason = {"coding": [{"system": OUTCOME, "code": "interrupted"}], "text": _WHY}
        made |= {"status": "stopped", "statusReason": reason, "received": instant(now)}
        return await self._ledger.put(made, version_of(resource), "")
