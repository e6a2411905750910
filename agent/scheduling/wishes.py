"""What days and times a caller would like, and which span of the calendar that asks for."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from fhirserver.world.configured.scheduling_rules import ORDINARY, SchedulingRules
from fhirserver.world.spoken.answers import versions
from fhirserver.world.spoken.days import DayWish, day_wishes
from fhirserver.world.spoken.times import TimeWish, time_wishes
from fhirserver.world.spoken.words import plain

_ANY = re.compile(
    r"\b(?:any ?(?:time|day|thing)|whenever|as soon as|earliest|soonest|first available|next available|"
    r"whatever|what do you have|what have you got|what(?:'s| is) (?:available|open)|you tell me|surprise me|"
    r"no preference|doesn't matter|don't care|you choose|flexible|asap)\b"
)


@dataclass(frozen=True, slots=True)
class Wish:
    """Days and times of day that suit the caller; nothing said means all do."""

    days: tuple[DayWish, ...] = ()
    times: tuple[TimeWish, ...] = ()
    anything: bool = False

    @property
    def says_something(self) -> bool:
        return bool(self.days or self.times or self.anything)

    def holds_day(self, day: date) -> bool:
        return not self.days or any(wish.holds(day) for wish in self.days)

    def holds(self, start: datetime) -> bool:
        at = start.timetz().replace(tzinfo=None)
        return self.holds_day(start.date()) and (not self.times or any(wish.holds(at) for wish in self.times))

    def refined(self, newer: Wish) -> Wish:
        """This wish with what ``newer`` says put in place of it; new days forget an exact old time."""
        if newer.anything and not newer.days and not newer.times:
            return Wish(anything=True)
        times = newer.times or (() if newer.days and any(t.exact for t in self.times) else self.times)
        return Wish(newer.days or self.days, times, newer.anything)


def wish(text: str, today: date) -> Wish:
    """The wish in an utterance; where it corrects itself the last version counts."""
    anything = _ANY.search(plain(text)) is not None
    found = Wish(anything=anything)
    for version in versions(text):
        days = tuple(f.value for f in day_wishes(version.text, today))
        times = tuple(f.value for f in time_wishes(version.text))
        found = replace(found, days=found.days or days, times=found.times or times)
    return found


def window(wanted: Wish, now: datetime, rules: SchedulingRules = ORDINARY) -> tuple[datetime, datetime]:
    """The span to search: the named days, else as far ahead as is looked; never beyond what may be booked."""
    first, last = now + timedelta(minutes=rules.lead), now + timedelta(days=rules.search_days)
    if wanted.days:
        start = min(w.first for w in wanted.days)
        end = max(w.last for w in wanted.days)
        first = max(first, _midnight(start, now))
        last = _midnight(end + timedelta(days=1), now)
    if rules.reach:
        last = min(last, _midnight(now.date() + timedelta(days=rules.reach), now))
    return first, max(last, first)


def _midnight(day: date, now: datetime) -> datetime:
    return datetime.combine(day, datetime.min.time(), now.tzinfo)
