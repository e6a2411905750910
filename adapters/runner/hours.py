"""Business hours of an EHR: when it may be asked. Outside of them changes wait, and are sent when they begin.

Written ``Mon-Fri 08:00-18:00``, ``Sat 09:00-12:00`` or ``22:00-06:00`` (every day, over midnight), in a time zone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DAY = "|".join(DAYS)
_TIME = r"([01]\d|2[0-3]):([0-5]\d)"
_WINDOW = re.compile(rf"(?:({_DAY})(?:-({_DAY}))? +)?{_TIME}-(?:{_TIME}|(24:00))\Z")
_LOOK_AHEAD = timedelta(days=8)
_STEP = timedelta(minutes=1)


class InvalidHours(ValueError):
    """Hours that cannot be read; the message says how they are written."""


@dataclass(frozen=True, slots=True)
class _Window:
    """On which days it begins (0 is Monday), when, and how long it lasts in minutes of the wall clock."""

    days: frozenset[int]
    start: int
    minutes: int

    def holds(self, day: int, minute: int) -> bool:
        today = day in self.days and self.start <= minute < self.start + self.minutes
        yesterday = (day - 1) % 7 in self.days and minute + 1440 < self.start + self.minutes
        return today or yesterday


@dataclass(frozen=True, slots=True)
class Hours:
    """The windows in which an EHR may be asked; always where there are none."""

    windows: tuple[_Window, ...] = ()
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))

    def are_open(self, at: datetime) -> bool:
        """Whether the EHR may be asked at an instant."""
        local = at.astimezone(self.zone)
        minute = local.hour * 60 + local.minute
        return not self.windows or any(one.holds(local.weekday(), minute) for one in self.windows)

    def opens(self, after: datetime) -> datetime | None:
        """When they are open next: now, where they are; None where they never are again."""
        at, end = after, after + _LOOK_AHEAD
        while not self.are_open(at):
            at = at.replace(second=0, microsecond=0) + _STEP
            if at > end:
                return None
        return at


def parse_hours(texts: Sequence[str], zone: str = "UTC") -> Hours:
    """Raises :class:`InvalidHours`."""
    try:
        place = ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise InvalidHours(f"'{zone[:64]}' is not a time zone such as America/New_York") from None
    return Hours(tuple(_window(text) for text in texts), place)


def _window(text: str) -> _Window:
    found = _WINDOW.match(text.strip())
    if found is None:
        raise InvalidHours(f"'{text[:64]}' is not written as 'Mon-Fri 08:00-18:00'")
    first, last, *_ = found.groups()
    start = _minutes(time(int(found[3]), int(found[4])))
    end = 1440 if found[7] else _minutes(time(int(found[5]), int(found[6])))
    if start == end:
        raise InvalidHours(f"'{text[:64]}' begins when it ends; 00:00-24:00 is the whole day")
    return _Window(_days(first, last), start, (end - start) % 1440 or 1440)


def _minutes(at: time) -> int:
    return at.hour * 60 + at.minute


def _days(first: str | None, last: str | None) -> frozenset[int]:
    if first is None:
        return frozenset(range(7))
    begin, end = DAYS.index(first), DAYS.index(last or first)
    return frozenset((begin + n) % 7 for n in range((end - begin) % 7 + 1))
