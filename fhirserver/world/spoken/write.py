"""Days and times as they are written to somebody who reads them: what is written here is understood by the readers."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from typing import Final

from fhirserver.world.spoken.dates import MONTHS
from fhirserver.world.spoken.days import WEEKDAYS
from fhirserver.world.spoken.say import say_ordinal, say_time, say_year

_DAYS: Final = {day[:3].title(): day.title() for day in WEEKDAYS}
_MONTHS: Final = {month[:3].title(): month.title() for month in MONTHS}
_DATE: Final = re.compile(rf"\b({'|'.join(_DAYS)}) (\d\d?) ({'|'.join(_MONTHS)})(?: (\d{{4}}))?(, (?=\d))?")
_TIME: Final = re.compile(r"\b(\d\d?)(?::(\d\d))? (am|pm)\b")


def write_day(day: date, today: date) -> str:
    """``Tue 1 Dec``; with the year when it is not the current one."""
    written = f"{WEEKDAYS[day.weekday()][:3].title()} {day.day} {MONTHS[day.month - 1][:3].title()}"
    return written if day.year == today.year else f"{written} {day.year}"


def write_time(at: time) -> str:
    """``2:30 pm``, ``9 am``, ``12 pm``."""
    minute = f":{at.minute:02}" if at.minute else ""
    return f"{(at.hour - 1) % 12 + 1}{minute} {'am' if at.hour < 12 else 'pm'}"


def write_moment(at: datetime, today: date) -> str:
    """``Tue 1 Dec, 2:30 pm``, in the time zone ``at`` carries."""
    return f"{write_day(at.date(), today)}, {write_time(at.timetz().replace(tzinfo=None))}"


def read_aloud(text: str) -> str:
    """The same text with its days and times as they would be said."""
    return _TIME.sub(_said_time, _DATE.sub(_said_day, text))


def _said_day(found: re.Match[str]) -> str:
    day, number, month, year, then = found.groups()
    if not 1 <= int(number) <= 31:
        return found[0]
    said = f"{_DAYS[day]}, {_MONTHS[month]} {say_ordinal(int(number))}"
    return said + (f", {say_year(int(year))}" if year else "") + (" at " if then else "")


def _said_time(found: re.Match[str]) -> str:
    hour, minute, half = int(found[1]), int(found[2] or 0), found[3]
    if not 1 <= hour <= 12 or minute > 59:
        return found[0]
    return say_time(time(hour % 12 + (12 if half == "pm" else 0), minute))
