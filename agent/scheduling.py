"""Which free slots a brain may see, and in what order: deterministic rules, before any brain."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from agent.records import SlotRecord
from fhirserver.world.spoken.answers import versions
from fhirserver.world.spoken.days import DayWish, day_wishes
from fhirserver.world.spoken.times import TimeWish, time_wishes
from fhirserver.world.spoken.words import plain

HORIZON = timedelta(days=60)
LEAD = timedelta(hours=2)
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


def window(wanted: Wish, now: datetime) -> tuple[datetime, datetime]:
    """The span to search: the named days, else the whole horizon."""
    first, last = now + LEAD, now + HORIZON
    if wanted.days:
        start = min(w.first for w in wanted.days)
        end = max(w.last for w in wanted.days)
        first = max(first, datetime.combine(start, datetime.min.time(), now.tzinfo))
        last = datetime.combine(end + timedelta(days=1), datetime.min.time(), now.tzinfo)
    return first, max(last, first)


def admissible(
    slots: Iterable[SlotRecord], now: datetime, taken: Sequence[datetime] = ()
) -> list[SlotRecord]:
    """Slots in the future by the lead time, each start and practitioner once, none at a time already "
    "taken."""
    seen: set[tuple[datetime, str]] = set()
    kept = []
    for slot in sorted(slots, key=lambda s: (s.start, s.practitioner, s.id)):
        key = (slot.start, slot.practitioner)
        if slot.start >= now + LEAD and key not in seen and slot.start not in taken:
            seen.add(key)
            kept.append(slot)
    return kept


def _spread(slots: Sequence[SlotRecord], most: int) -> list[SlotRecord]:
    """Up to ``most`` slots, at first at most one per half day, so that the caller has a real choice."""
    halves: set[tuple[date, bool]] = set()
    picked = []
    for slot in slots:
        half = (slot.start.date(), slot.start.hour < 12)
        if half not in halves:
            halves.add(half)
            picked.append(slot)
    starts = {s.start for s in picked[:most]}
    for slot in slots:
        if len(starts) >= most:
            break
        if slot.start not in starts:
            starts.add(slot.start)
            picked.append(slot)
    return sorted(
        picked[:most] if len(picked) >= most and not picked[most:] else _trim(picked, most),
        key=lambda s: s.start,
    )


def _trim(slots: Sequence[SlotRecord], most: int) -> list[SlotRecord]:
    return list(slots[:most])


@dataclass(frozen=True, slots=True)
class Offer:
    """Slots to offer; ``fits`` says whether they are what was asked for (``day``, ``all`` or ``none`` "
    "of it)."""

    slots: tuple[SlotRecord, ...]
    fits: str


def offer(slots: Sequence[SlotRecord], wanted: Wish, practitioner: str = "", most: int = 3) -> Offer:
    """Choose what to offer: what fits, the same practitioner first; else the right day; else the nearest."""
    for fits, test in (("all", wanted.holds), ("day", lambda at: wanted.holds_day(at.date()))):
        fitting = [s for s in slots if test(s.start)]
        same = [s for s in fitting if practitioner and s.practitioner == practitioner]
        if fitting and (fits == "all" or wanted.days):
            return Offer(tuple(_spread(same or fitting, most)), fits)
    same = [s for s in slots if practitioner and s.practitioner == practitioner]
    return Offer(tuple(_spread(_nearest(same or slots, wanted), most)), "none")


def _nearest(slots: Sequence[SlotRecord], wanted: Wish) -> list[SlotRecord]:
    if not wanted.days:
        return list(slots)
    target = min(w.first for w in wanted.days)
    return sorted(slots, key=lambda s: (abs((s.start.date() - target).days), s.start))
