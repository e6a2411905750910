"""How many attempts a campaign may make now."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

from agent.campaigns.definition import Pacing

_MINUTE = timedelta(minutes=1)


class Pace:
    """Counts the attempts of one campaign that this process made in the last minute, and those that go on."""

    def __init__(self) -> None:
        self._made: deque[datetime] = deque()
        self.going = 0
        """Calls of the campaign that go on."""

    def left(self, pacing: Pacing, now: datetime) -> int:
        while self._made and self._made[0] <= now - _MINUTE:
            self._made.popleft()
        return max(pacing.per_minute - len(self._made), 0)

    def lines(self, pacing: Pacing, free: int, operators: int | None) -> int:
        """Calls that may begin; ``operators`` are those present, None where that is not known: then it is no bar."""
        if pacing.operators and operators is not None:
            free = min(free, operators - self.going)
        return max(min(pacing.lines - self.going, free), 0)

    def made(self, now: datetime) -> None:
        self._made.append(now)
