"""How many attempts a campaign may make now."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import datetime, timedelta

from agent.campaigns.definition import Pacing
from agent.campaigns.operators import Attendance
from agent.campaigns.waiting import Aside

_MINUTE = timedelta(minutes=1)
_UNKNOWN = "calls wait: it is not known whether an operator is free"
_ABSENT = "calls wait: no operator is present"
_BUSY = "calls wait: no operator is free"


class Pace:
    """Counts the attempts of one campaign that this process made in the last minute, and its calls that go on."""

    def __init__(self, pacing: Pacing) -> None:
        self.pacing = pacing
        self._made: deque[datetime] = deque()
        self.calls: set[str] = set()
        """The members who are being called."""
        self.aside = Aside()

    def left(self, now: datetime) -> int:
        while self._made and self._made[0] <= now - _MINUTE:
            self._made.popleft()
        return max(self.pacing.per_minute - len(self._made), 0)

    def made(self, now: datetime) -> None:
        self._made.append(now)

    def wanted(self, there: Attendance) -> int:
        """Hundredths of operators that its calls are expected to need still."""
        if not self.pacing.operators:
            return 0
        return len(self.calls - there.taken) * self.pacing.transfers_percent


def calls_for(pace: Pace, free: int, there: Attendance | None, all: Iterable[Pace]) -> int:
    """Calls of one campaign that may begin now, over ``free`` lines; ``all`` are the paces of all campaigns."""
    pacing = pace.pacing
    lines = max(min(pacing.lines - len(pace.calls), free), 0)
    if not pacing.operators:
        return lines
    if there is None:
        return 0
    spare = there.free * 100 - sum(one.wanted(there) for one in all)
    return max(min(lines, spare // pacing.transfers_percent), 0)


def why_calls_wait(pacing: Pacing, there: Attendance | None) -> str:
    """Why no call at all may begin for want of operators; empty where one may."""
    if not pacing.operators or (there is not None and there.free > 0):
        return ""
    if there is None:
        return _UNKNOWN
    return _BUSY if there.present else _ABSENT
