"""How often something may happen: one number for each who does it.

The generic cell rate algorithm (ITU-T I.371), the token bucket written as a time: kept is when the bucket would be
full again. Nothing runs in the background, and who has been quiet for the length of a burst needs no number at all.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from itertools import islice
from typing import Final

MOST_KEPT: Final = 100_000
"""Of how many a number is kept. Beyond, those that are quiet again are forgotten, then those seen first."""

_ROUNDING: Final = 1e-9
"""Seconds by which sums of steps may be too long."""


class Pace:
    """So many a second, and ``burst`` at once; 0 a second: as often as one likes. ``clock`` in seconds."""

    def __init__(
        self,
        per_second: float,
        burst: float,
        clock: Callable[[], float] = time.monotonic,
        most_kept: int = MOST_KEPT,
    ):
        self._step = 1 / per_second if per_second else 0.0
        self._span = self._step * max(burst - 1, 0) + _ROUNDING
        self._clock, self._most = clock, most_kept
        self._full: dict[Hashable, float] = {}

    def wait(self, who: Hashable) -> float:
        """Count one more time: 0 where it may happen now, else the seconds until it may (then it is not counted)."""
        if not self._step:
            return 0.0
        now = self._clock()
        full = self._full.get(who)
        if full is None:
            if len(self._full) >= self._most:
                self._forget(now)
            full = now
        elif full < now:
            full = now
        late = full - now - self._span
        if late > 0:
            return late
        self._full[who] = full + self._step
        return 0.0

    def is_spent(self, who: Hashable) -> float:
        """Seconds until it may happen again, 0 for now; nothing is counted."""
        full = self._full.get(who)
        return max(full - self._clock() - self._span, 0.0) if full is not None else 0.0

    def _forget(self, now: float) -> None:
        quiet = [who for who, full in self._full.items() if full <= now]
        for who in quiet or list(islice(self._full, self._most // 10 + 1)):
            del self._full[who]
