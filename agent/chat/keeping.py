"""How long conversations are kept: their journals go, in small steps, when they have been over for so long.

The record in FHIR (Communication, transcript, summary) stays, and by it the user is answered from then on.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from agent.chat.past_talks import PastTalks
from fhirserver.kernel.instants import Clock
from fhirserver.kernel.measures import Counter

log = logging.getLogger("credence.chat")
REMOVED = Counter("credence_chats_removed_total", "Conversations by text of which only the record is left")
_EVERY = 600.0
_BETWEEN = 0.2
"""Seconds between two steps: who writes meanwhile waits for one step at most."""


class Keeping:
    """``keep``: for how long; ``at_once``: how many are removed in one step."""

    def __init__(self, past: PastTalks, clock: Clock, keep: timedelta, at_once: int = 20):
        self._past, self._clock, self._keep, self._at_once = past, clock, keep, at_once

    async def step(self) -> int:
        """Remove some whose time has come; how many."""
        removed = await self._past.removed(self._clock.now() - self._keep, self._at_once)
        if removed:
            REMOVED.add(by=removed)
        return removed

    async def find_strays(self) -> None:
        """Note those that were over before that was noted: their time begins now."""
        looked = 0
        async for _ in self._past.note_strays():
            looked += 1
            if not looked % self._at_once:
                await asyncio.sleep(0)

    async def run(self) -> None:
        """As long as the server runs."""
        while True:
            wait = _EVERY
            try:
                await self.find_strays()
                wait = _BETWEEN if await self.step() else _EVERY
            except Exception as error:  # the store may be away for a while: what is due stays due
                log.error("conversations that are due could not be removed: %s", type(error).__name__)
            await asyncio.sleep(wait)
