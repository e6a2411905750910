"""When something may go out: outside quiet hours in every zone where the patient may be. Pure, and right over changes
of clocks, as days are made of local times."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FAR = timedelta(days=15)
"""Beyond this nothing is looked for: hours of several zones that never meet."""


@dataclass(frozen=True, slots=True)
class Open:
    """The hours of a zone's day in which something may go out: from ``begin`` until before ``end``; the same time
    twice: always, but for ``closed`` days (``mon`` …). Over midnight where ``end`` comes first."""

    zone: str
    begin: time
    end: time
    closed: frozenset[str] = frozenset()

    def holds(self, at: datetime) -> bool:
        local = at.astimezone(ZoneInfo(self.zone))
        return _DAYS[local.weekday()] not in self.closed and self._hour(local.time())

    def _hour(self, now: time) -> bool:
        if self.begin <= self.end:
            return self.begin == self.end or self.begin <= now < self.end
        return now >= self.begin or now < self.end

    def next(self, at: datetime) -> datetime:
        """The first moment from ``at`` on in which it is open."""
        if self.holds(at):
            return at
        today = at.astimezone(ZoneInfo(self.zone)).date()
        starts = (_begun(today + timedelta(days=n), t, self.zone) for n in range(15) for t in self._starts())
        return next((start for start in starts if start >= at and self.holds(start)), at + _FAR)

    def _starts(self) -> Iterable[time]:
        return (self.begin,) if self.begin == time.min else (time.min, self.begin)


def _begun(day: date, begin: time, zone: str) -> datetime:
    """The instant of a local time; one that the change of clocks leaves out is as much later."""
    local = datetime.combine(day, begin, ZoneInfo(zone))
    return local.astimezone(UTC)


def opening(quiet: tuple[time, time], closed: Iterable[str], zones: Iterable[str]) -> tuple[Open, ...]:
    """The hours that quiet ones (begin, end) leave, in each zone."""
    begin, end = quiet
    days = frozenset(closed)
    return tuple(Open(zone, end, begin, days) for zone in dict.fromkeys(zones))


def next_open(at: datetime, hours: Sequence[Open]) -> datetime | None:
    """The first moment from ``at`` on that all of them hold; None where there is none within two weeks."""
    moment = at
    while moment < at + _FAR:
        waiting = [one for one in hours if not one.holds(moment)]
        if not waiting:
            return moment
        moment = max(one.next(moment) for one in waiting)
    return None
