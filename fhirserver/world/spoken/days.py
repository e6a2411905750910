"""Days relative to today: ``next Thursday``, ``tomorrow``, ``the 14th``, ``in two weeks``."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from fhirserver.world.spoken.dates import MONTHS, calendar_day, dates
from fhirserver.world.spoken.numbers import cardinal, ordinal
from fhirserver.world.spoken.words import Found, Token, tokens

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SHORT = {"mon": 0, "tue": 1, "tues": 1, "wed": 2, "weds": 2, "thu": 3, "thur": 3, "thurs": 3, "fri": 4}
_COUNTS = {"a": 1, "an": 1, "couple": 2, "few": 3}


@dataclass(frozen=True, slots=True)
class DayWish:
    """The days from ``first`` to ``last``, both included; ``weekdays`` narrows them where any were named."""

    first: date
    last: date
    weekdays: frozenset[int] = frozenset()

    @property
    def is_one_day(self) -> bool:
        return self.first == self.last

    def holds(self, day: date) -> bool:
        """Whether ``day`` is wished for."""
        return self.first <= day <= self.last and (not self.weekdays or day.weekday() in self.weekdays)


Read = tuple[DayWish, int]
Reader = Callable[[Sequence[Token], int, date], "Read | None"]


def _word(ts: Sequence[Token], i: int) -> str:
    return ts[i].text if 0 <= i < len(ts) else ""


def _one(day: date) -> DayWish:
    return DayWish(day, day)


def weekday(word: str) -> int | None:
    """0 for Monday; plural and possessive forms count."""
    bare = word.removesuffix("'s")
    bare = bare.removesuffix("s") if bare.removesuffix("s") in WEEKDAYS else bare
    return WEEKDAYS.index(bare) if bare in WEEKDAYS else _SHORT.get(bare)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _near(ts: Sequence[Token], i: int, today: date) -> Read | None:
    if [t.text for t in ts[i : i + 4]] == ["the", "day", "after", "tomorrow"]:
        return _one(today + timedelta(days=2)), i + 4
    if [t.text for t in ts[i : i + 3]] == ["day", "after", "tomorrow"]:
        return _one(today + timedelta(days=2)), i + 3
    away = {"today": 0, "tonight": 0, "tomorrow": 1, "tomorrow's": 1, "yesterday": -1}.get(_word(ts, i))
    return None if away is None else (_one(today + timedelta(days=away)), i + 1)


def _named_weekday(ts: Sequence[Token], i: int, today: date) -> Read | None:
    led = _word(ts, i) if _word(ts, i) in ("next", "this", "coming") else ""
    at = i + 1 if led else i
    day = weekday(_word(ts, at))
    if day is None:
        return None
    ahead = (day - today.weekday()) % 7
    coming = today + timedelta(days=ahead or (0 if led == "this" else 7))
    if [t.text for t in ts[at + 1 : at + 3]] == ["this", "week"]:
        return _one(_monday(today) + timedelta(days=day)), at + 3
    if [t.text for t in ts[at + 1 : at + 3]] == ["next", "week"]:
        return _one(_monday(today) + timedelta(days=7 + day)), at + 3
    if led == "next" and coming < _monday(today) + timedelta(days=7):
        coming += timedelta(days=7)
    if _word(ts, at).endswith("s") and not _word(ts, at).endswith("'s") and _word(ts, at) not in _SHORT:
        return DayWish(today, today + timedelta(days=60), frozenset({day})), at + 1
    return _one(coming), at + 1


def _from_weekday(ts: Sequence[Token], i: int, today: date) -> Read | None:
    """``a week from Thursday``, ``two weeks from tomorrow``, ``a week from today``."""
    count = _count(ts, i)
    if count is None or _word(ts, count[1]) not in ("week", "weeks") or _word(ts, count[1] + 1) != "from":
        return None
    start = _near(ts, count[1] + 2, today) or _named_weekday(ts, count[1] + 2, today)
    if start is None and _word(ts, count[1] + 2) == "now":
        start = _one(today), count[1] + 3
    return (_one(start[0].first + timedelta(weeks=count[0])), start[1]) if start else None


def _count(ts: Sequence[Token], i: int) -> tuple[int, int] | None:
    if _word(ts, i) in ("a", "an") and _word(ts, i + 1) in ("couple", "few"):
        at = i + 2
        return _COUNTS[_word(ts, i + 1)], at + (1 if _word(ts, at) == "of" else 0)
    if _word(ts, i) in _COUNTS:
        return _COUNTS[_word(ts, i)], i + 1
    found = cardinal(ts, i)
    return found if found and found[0] <= 60 else None


def _within(ts: Sequence[Token], i: int, today: date) -> Read | None:
    """``in three days``, ``in two weeks`` (that whole week), ``in a month``."""
    if _word(ts, i) not in ("in", "within") and _word(ts, i) != "about":
        return None
    count = _count(ts, i + 1)
    unit = _word(ts, count[1]).rstrip("s") if count else ""
    if count is None or unit not in ("day", "week", "month"):
        return None
    end = count[1] + 1
    if _word(ts, i) == "within":
        return DayWish(today, today + timedelta(days=count[0] * _days(unit))), end
    target = today + timedelta(days=count[0] * _days(unit))
    if unit == "day":
        return _one(target), end
    margin = timedelta(days=3 if unit == "week" else 7)
    return DayWish(target - margin, target + margin), end


def _days(unit: str) -> int:
    return {"day": 1, "week": 7, "month": 30}[unit]


def _week(ts: Sequence[Token], i: int, today: date) -> Read | None:
    said = (_word(ts, i), _word(ts, i + 1))
    monday = _monday(today)
    early, late = _word(ts, i - 1) in ("early",), _word(ts, i - 1) in ("late", "later", "end")
    if said == ("next", "week"):
        monday += timedelta(days=7)
    elif said == ("week", "after") and _word(ts, i + 2) == "next":
        return DayWish(monday + timedelta(days=14), monday + timedelta(days=20)), i + 3
    elif said in (("week", "after"), ("following", "week")):
        monday += timedelta(days=7)
    elif said != ("this", "week"):
        return None
    first = monday + timedelta(days=3 if late else 0)
    return DayWish(max(first, today), monday + timedelta(days=2 if early else 6)), i + 2


def _month(ts: Sequence[Token], i: int, today: date) -> Read | None:
    """``next month``, ``this month``, ``in January``."""
    said = (_word(ts, i), _word(ts, i + 1))
    if said == ("next", "month"):
        first = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    elif said == ("this", "month"):
        first = today.replace(day=1)
    elif said[0] in ("in", "early", "late", "sometime") and said[1] in MONTHS:
        number = MONTHS.index(said[1]) + 1
        first = date(today.year + (1 if number < today.month else 0), number, 1)
    else:
        return None
    last = (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    return DayWish(max(first, today), last), i + 2


def _nth_of(ts: Sequence[Token], nth: tuple[int, int], today: date) -> Read | None:
    """``the 14th of this month``, ``of next month``."""
    said = (_word(ts, nth[1] + 1), _word(ts, nth[1] + 2))
    if said not in (("this", "month"), ("next", "month"), ("the", "month")):
        return None
    month = (today.replace(day=1) + timedelta(days=32 if said[0] == "next" else 0)).replace(day=1)
    day = calendar_day(month.year, month.month, nth[0])
    return (_one(day), nth[1] + 3) if day else None


def _nth(ts: Sequence[Token], i: int, today: date) -> Read | None:
    """``the 14th``, ``on the third``: the next such day of a month."""
    led = 1 if _word(ts, i) == "the" else 0
    found = ordinal(ts, i + led)
    if found and not led and _word(ts, i - 1) != "on" and _word(ts, found[1]) != "of":
        return None
    if found is None or not 1 <= found[0] <= 31 or _word(ts, found[1]) in ("one", "time", "option", "slot"):
        return None
    if _word(ts, found[1]) == "of":
        return _nth_of(ts, found, today)
    written = (
        ts[i + led].is_number
        or _word(ts, i - 1) in ("on", "for", "to", "by", "until", "from")
        or found[0] > 4
    )
    beside = weekday(_word(ts, i - 1)) if led else None
    year, month = today.year, today.month
    for _ in range(12):
        day = calendar_day(year, month, found[0])
        if day and day >= today:
            # "Tuesday the first" names a day where the first is a Tuesday; else it may be the first of a list.
            return (_one(day), found[1]) if written or day.weekday() == beside else None
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return None


_READERS: tuple[Reader, ...] = (_from_weekday, _near, _named_weekday, _within, _week, _month, _nth)


def _named_dates(text: str, today: date) -> list[Found[DayWish]]:
    found = [(f.value.upcoming(today), f) for f in dates(text)]
    return [Found(_one(day), f.start, f.end) for day, f in found if day]


def _bounded(text: str, today: date, wish: Found[DayWish]) -> Found[DayWish]:
    """``after the 14th``, ``before Friday``, ``from Monday on``."""
    lead = [t.text for t in tokens(text[: wish.start])][-2:]
    tail = [t.text for t in tokens(text[wish.end :])][:2]
    day = wish.value.first
    if lead[-2:] == ["or", "after"] or lead[-1:] in (["from"], ["since"]) or tail == ["or", "later"]:
        span = DayWish(day, day + _HORIZON)
    elif lead[-1:] == ["after"]:
        span = DayWish(wish.value.last + timedelta(days=1), wish.value.last + _HORIZON)
    elif lead[-1:] == ["before"] or lead == ["sooner", "than"] or lead == ["earlier", "than"]:
        span = DayWish(today, max(today, day - timedelta(days=1)))
    elif lead[-1:] in (["by"], ["until"]):
        span = DayWish(today, max(today, wish.value.last))
    else:
        return wish
    return Found(span, wish.start, wish.end)


_HORIZON = timedelta(days=60)


def _merged(wishes: list[Found[DayWish]]) -> list[Found[DayWish]]:
    """``Thursday December third`` is one day, said twice."""
    out: list[Found[DayWish]] = []
    for wish in wishes:
        if out and wish.start - out[-1].end <= 6 and wish.value.is_one_day and out[-1].value.is_one_day:
            same = out[-1].value.first.weekday() == wish.value.first.weekday()
            if same:
                out[-1] = Found(wish.value, out[-1].start, wish.end)
                continue
        out.append(wish)
    return out


_JOINED = re.compile(r"[\s,]*(?:(?:or|and|of|on|either|maybe|any|in|some ?time)[\s,]+)*")


def _narrowed(text: str, today: date, wishes: list[Found[DayWish]]) -> list[Found[DayWish]]:
    """``Thursday or Friday next week``: each weekday is one of next week's."""
    weeks = [w for w in wishes if not w.value.is_one_day and not w.value.weekdays]
    singles = [w for w in wishes if w.value.is_one_day]
    gaps = (text[a.end : b.start].lower() for a, b in pairwise(wishes))
    if len(weeks) != 1 or not singles or not all(_JOINED.fullmatch(gap) for gap in gaps):
        return wishes
    span = weeks[0].value
    named = frozenset(
        s.value.first.weekday() for s in singles if weekday(text[s.start : s.end].lower()) is not None
    )
    if len(named) != len(singles):
        return wishes
    return [Found(DayWish(span.first, span.last, named), wishes[0].start, wishes[-1].end)]


def days_named(text: str, today: date) -> list[Found[DayWish]]:
    """The days named in ``text``, relative to ``today``, in order; ``from`` and ``before`` are not heeded."""
    ts = tokens(text)
    found = _named_dates(text, today)
    covered = {k for f in found for k in range(f.start, f.end)}
    i = 0
    while i < len(ts):
        reads = [r for r in (reader(ts, i, today) for reader in _READERS) if r]
        best = max(reads, key=lambda r: r[1]) if reads and ts[i].start not in covered else None
        if best and ts[best[1] - 1].start not in covered:
            found.append(Found(best[0], ts[i].start, ts[best[1] - 1].end))
        i = best[1] if best else i + 1
    return _merged(sorted(found, key=lambda f: f.start))


def day_wishes(text: str, today: date) -> list[Found[DayWish]]:
    """The days wished for in ``text``, with their bounds (``after Friday``) and weeks (``Monday next week``)."""
    narrowed = _narrowed(text, today, days_named(text, today))
    return [_bounded(text, today, wish) for wish in narrowed]
