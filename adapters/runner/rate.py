"""How many requests an EHR gets: a token bucket whose rate learns from refusals.

A 429 halves the rate and, where the EHR says for how long, stops everything until then; every success lets it creep up
again to what the settings allow. All that is asked of one EHR, in and out, goes through one bucket.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

FLOOR = 0.1
"""Requests per second that are tried however often the EHR refuses."""
CREEP = 0.02
"""The part of the rate that each success adds."""
OBSERVED = 10.0
"""Seconds over which the rate is observed where none is set."""
_SAME_REFUSAL = 1.0
"""Refusals within so many seconds are one: the requests were on their way together."""


@dataclass(slots=True)
class Rate:
    """One EHR's. Seconds are monotonic.

    ``most`` is how many requests per second it may get (0: no limit until it refuses one), ``burst`` how many at
    once after a pause.
    """

    most: float = 0.0
    burst: int = 10
    clock: Callable[[], float] = time.monotonic
    per_second: float = field(init=False)
    until: float = field(init=False, default=0.0)
    _tokens: float = field(init=False)
    _at: float = field(init=False)
    _refused_at: float = field(init=False, default=-math.inf)
    _made: deque[float] = field(init=False, default_factory=lambda: deque(maxlen=1000))
    _turn: asyncio.Lock = field(init=False, default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self.per_second = self.most or math.inf
        self._tokens, self._at = float(self.burst), self.clock()

    async def request(self) -> None:
        """Wait until a request may be made; in the order of the calls."""
        async with self._turn:
            while (seconds := self.wait()) > 0:  # noqa: ASYNC110 - time passes, nobody tells
                await asyncio.sleep(seconds)
            self.spend()

    def wait(self) -> float:
        """Seconds until a request may be made; 0 for now."""
        now = self.clock()
        self._fill(now)
        missing = max(0.0, 1.0 - self._tokens) if math.isfinite(self.per_second) else 0.0
        return max(self.until - now, missing / self.per_second if missing > 1e-9 else 0.0, 0.0)

    def spend(self) -> None:
        """A request is made now."""
        now = self.clock()
        self._fill(now)
        self._made.append(now)
        if math.isfinite(self.per_second):
            self._tokens -= 1.0

    def _fill(self, now: float) -> None:
        if math.isfinite(self.per_second):
            self._tokens = min(float(self.burst), self._tokens + (now - self._at) * self.per_second)
        self._at = now

    def refused(self, after: float | None = None) -> None:
        """The EHR asks for fewer requests (429), and for none for ``after`` seconds."""
        now = self.clock()
        self._fill(now)
        self.until = max(self.until, now + (after or 0.0))
        if now - self._refused_at < _SAME_REFUSAL:
            return
        self._refused_at = now
        before = self.per_second if math.isfinite(self.per_second) else self.observed()
        self.per_second = max(FLOOR, before / 2)
        self._tokens = min(self._tokens, 1.0)

    def answered(self) -> None:
        """The EHR did what it was asked, or said why not."""
        if math.isfinite(self.per_second):
            self._fill(self.clock())
            self.per_second = min(self.most or math.inf, self.per_second * (1 + CREEP))

    def observed(self) -> float:
        """Requests per second of late."""
        now = self.clock()
        while self._made and now - self._made[0] > OBSERVED:
            self._made.popleft()
        span = max(1.0, now - self._made[0]) if self._made else 1.0
        return len(self._made) / span
