"""How long an attempt that is open on record has been seen open by this process."""

from __future__ import annotations

import time
from datetime import timedelta

from agent.campaigns.contacts import Contact

LEFT_OPEN = timedelta(minutes=2)
"""After so long an attempt that is open, and not in this process, is asked after."""
IN_FLIGHT = 20.0
"""Seconds, by no clock that runs faster in drills, for which it is seen open before that: whatever a process that died
had sent to the carrier has arrived there by then."""
_MOST = 10_000


class SeenOpen:
    """Remembers when each was seen first."""

    def __init__(self, in_flight: float = IN_FLIGHT):
        self._in_flight = in_flight
        self._first: dict[str, float] = {}

    def long_enough(self, one: Contact) -> bool:
        """Whether it is open for so long that nothing of it is under way any more."""
        now = time.monotonic()
        if len(self._first) > _MOST:
            self._first.clear()
        return now - self._first.setdefault(one.reference, now) >= self._in_flight
