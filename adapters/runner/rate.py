"""How many requests an EHR gets: a token bucket whose rate learns from refusals.

A 429 lowers the rate by half the share of requests that were refused since it was lowered last (so that all refused
halves it, and a few that have nothing to do with how much is asked hardly matter) and, where the EHR says for how long,
stops everything until then. While the EHR answers, the rate grows with time, to what the settings allow. All that is
asked of one EHR, in and out, goes through one bucket. The rule is that of DCTCP: https://www.rfc-editor.org/rfc/rfc8257
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

FLOOR = 0.5
"""Requests per second that are tried however often the EHR refuses."""
DOUBLES = 10.0
"""Seconds in which the rate doubles while the EHR answers."""
OBSERVED = 10.0
"""Seconds over which the rate is observed where none is set."""
_SAME_REFUSAL = 1.0
"""The rate is lowered once in so many seconds, or in the time for which the EHR wants none."""


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
    _lowered_at: float = field(init=False, default=-math.inf)
    _lowered_until: float = field(init=False, default=-math.inf)
    _grown_at: float = field(init=False)
    _refusals: int = field(init=False, default=0)
    _answers: int = field(init=False, default=0)
    _made: deque[float] = field(init=False, default_factory=lambda: deque(maxlen=1000))
    _turn: asyncio.Lock = field(init=False, default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self.per_second = self.most or math.inf
        self._tokens, self._at = float(self.burst), self.clock()
        self._grown_at = self._at

    async def request(self) -> float:
        """Wait until a request may be made; in the order of the calls. When it was allowed."""
        async with self._turn:
            while (seconds := self.wait()) > 0:  # noqa: ASYNC110 - time passes, nobody tells
                await asyncio.sleep(seconds)
            self.spend()
            return self._at

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

    def refused(self, after: float | None = None, sent: float | None = None) -> None:
        """The EHR asks for fewer requests (429), and for none for ``after`` seconds.

        One that was ``sent`` before the rate was lowered says nothing about the rate as it is now.
        """
        now = self.clock()
        self._fill(now)
        self.until = max(self.until, now + (after or 0.0))
        if sent is not None and sent <= self._lowered_at:
            return
        self._refusals += 1
        if now >= self._lowered_until:
            self._lower(now, after or 0.0)

    def _lower(self, now: float, after: float) -> None:
        share = self._refusals / (self._refusals + self._answers)
        before = self.per_second if math.isfinite(self.per_second) else self.observed()
        self.per_second = max(FLOOR, before * (1 - share / 2))
        self._tokens = min(self._tokens, 1.0)
        self._refusals = self._answers = 0
        self._lowered_at, self._lowered_until = now, now + max(_SAME_REFUSAL, after)
        self._grown_at = max(self._grown_at, now, self.until)

    def answered(self) -> None:
        """The EHR did what it was asked, or said why not."""
        now = self.clock()
        self._answers += 1
        if math.isfinite(self.per_second):
            self._fill(now)
            passed = min(max(0.0, now - self._grown_at), DOUBLES)
            self.per_second = min(self.most or math.inf, self.per_second * 2 ** (passed / DOUBLES))
        self._grown_at = max(self._grown_at, now)

    def observed(self) -> float:
        """Requests per second of late."""
        now = self.clock()
        while self._made and now - self._made[0] > OBSERVED:
            self._made.popleft()
        span = max(1.0, now - self._made[0]) if self._made else 1.0
        return len(self._made) / span
