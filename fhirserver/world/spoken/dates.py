"""Calendar dates as people say them, whole or in part."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from fhirserver.world.spoken.characters import runs
from fhirserver.world.spoken.numbers import UNITS, ZERO, ordinal, small, year
from fhirserver.world.spoken.words import Found, Token, tokens

MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
    "november", "december",
)  # fmt: skip
MONTH_WORDS = {name: n for n, name in enumerate(MONTHS, 1)} | {
    name[:3]: n for n, name in enumerate(MONTHS, 1) if name != "may"
} | {"sept": 9}  # fmt: skip
_SEPARATORS = {"/", "-", "."}
_DIGITS = frozenset({"digits"})


@dataclass(frozen=True, slots=True)
class SpokenDate:
    """A day and month with or without a year; ``year`` below 100 is as said (``'82``)."""

    month: int
    day: int
    year: int | None = None

    def as_birth(self, today: date) -> date | None:
        """The birth date meant: a two-digit year is the latest that is not in the future."""
        if self.year is None:
            return None
        full = self.year
        if full < 100:
            full += today.year // 100 * 100
            full -= 100 if (full, self.month, self.day) > (today.year, today.month, today.day) else 0
        return calendar_day(full, self.month, self.day)

    def upcoming(self, today: date) -> date | None:
        """The next such day from ``today`` on, or the very day where the year was said."""
        if self.year is not None:
            return calendar_day(self.year + 2000 if self.year < 100 else self.year, self.month, self.day)
        this = calendar_day(today.year, self.month, self.day)
        return this if this and this >= today else calendar_day(today.year + 1, self.month, self.day)


def calendar_day(y: int, month: int, day: int) -> date | None:
    """The date, or None where the calendar has no such day."""
    try:
        return date(y, month, day)
    except ValueError:
        return None


Read = tuple[SpokenDate, int]
Reader = Callable[[Sequence[Token], int], "Read | None"]


def _skip(ts: Sequence[Token], i: int, *texts: str) -> int:
    while i < len(ts) and ts[i].text in texts:
        i += 1
    return i


def _month(ts: Sequence[Token], i: int) -> tuple[int, int] | None:
    if i >= len(ts) or ts[i].text not in MONTH_WORDS:
        return None
    return MONTH_WORDS[ts[i].text], _skip(ts, i + 1, ".")


def _zero_led(ts: Sequence[Token], i: int) -> tuple[int, int] | None:
    if i + 1 < len(ts) and ts[i].text in ZERO and ts[i + 1].text in UNITS:
        return UNITS[ts[i + 1].text], i + 2
    return None


def _day(ts: Sequence[Token], i: int) -> tuple[int, int] | None:
    written = (int(ts[i].text), i + 1) if i < len(ts) and ts[i].is_number else None
    found = ordinal(ts, i) or _zero_led(ts, i) or written or small(ts, i)
    return found if found and 1 <= found[0] <= 31 else None


def _year_after(ts: Sequence[Token], i: int) -> tuple[int, int] | None:
    at = _skip(ts, i, ",", "of", "in", "the", "year", "and")
    found = year(ts, at)
    if found is None or (found[0] < 100 and at < len(ts) and _is_clock(ts, found[1])):
        return None
    return found


def _is_clock(ts: Sequence[Token], i: int) -> bool:
    """Whether what was read as a year is rather an hour: ``march third at 10 am``, ``10:30``."""
    return i < len(ts) and ts[i].text in (
        "am",
        "pm",
        "a",
        "p",
        ":",
        "o'clock",
        "oclock",
        "o",
        "thirty",
        "fifteen",
    )


def _dated(month: int, day: int, found: tuple[int, int] | None, i: int) -> Read:
    return (SpokenDate(month, day, found[0]), found[1]) if found else (SpokenDate(month, day), i)


def _month_first(ts: Sequence[Token], i: int) -> Read | None:
    month = _month(ts, i)
    if month is None:
        return None
    day = _day(ts, _skip(ts, month[1], "the", ","))
    return _dated(month[0], day[0], _year_after(ts, day[1]), day[1]) if day else None


def _day_first(ts: Sequence[Token], i: int) -> Read | None:
    day = _day(ts, _skip(ts, i, "the"))
    month = _month(ts, _skip(ts, day[1], "of", "day", "in")) if day else None
    if day is None or month is None:
        return None
    return _dated(month[0], day[0], _year_after(ts, month[1]), month[1])


def _iso(ts: Sequence[Token], i: int) -> Read | None:
    part = ts[i : i + 5]
    if len(part) < 5 or not all(t.is_number for t in part[::2]) or len(part[0].text) != 4:
        return None
    if part[1].raw not in _SEPARATORS or part[3].raw != part[1].raw:
        return None
    return SpokenDate(int(part[2].text), int(part[4].text), int(part[0].text)), i + 5


def _slashed(ts: Sequence[Token], i: int) -> Read | None:
    part = ts[i : i + 5]
    if len(part) < 3 or not part[0].is_number or not part[2].is_number or part[1].raw not in _SEPARATORS:
        return None
    first, second = int(part[0].text), int(part[2].text)
    month, day = (second, first) if first > 12 >= second else (first, second)
    with_year = len(part) == 5 and part[3].raw == part[1].raw and part[4].is_number
    if with_year and len(part[4].text) in (2, 4):
        return SpokenDate(month, day, int(part[4].text)), i + 5
    return (SpokenDate(month, day), i + 3) if part[1].raw == "/" else None


def _year_first(ts: Sequence[Token], i: int) -> Read | None:
    """``nineteen fifty five, the fourth of October``."""
    said = year(ts, i)
    if said is None or said[0] < 1000:
        return None
    at = _skip(ts, said[1], ",", "on", "the")
    rest = _month_first(ts, at) or _day_first(ts, at)
    return (
        (SpokenDate(rest[0].month, rest[0].day, said[0]), rest[1]) if rest and rest[0].year is None else None
    )


_READERS: tuple[Reader, ...] = (_iso, _slashed, _month_first, _day_first, _year_first)


def _valid(found: SpokenDate) -> bool:
    leap = 2000 if found.year is None or found.year < 100 else found.year
    return calendar_day(leap, found.month, found.day) is not None


def _best(ts: Sequence[Token], i: int) -> Read | None:
    reads = [read for read in (reader(ts, i) for reader in _READERS) if read and _valid(read[0])]
    return max(reads, key=lambda read: read[1]) if reads else None


def _scan(ts: Sequence[Token]) -> Iterator[Found[SpokenDate]]:
    i = 0
    while i < len(ts):
        read = _best(ts, i)
        if read is None:
            i += 1
            continue
        yield Found(read[0], ts[i].start, ts[read[1] - 1].end)
        i = read[1]


def dates(text: str) -> list[Found[SpokenDate]]:
    """Every date in ``text`` that names its month, in order."""
    return list(_scan(tokens(text)))


def _numeric(digits: str) -> list[SpokenDate]:
    """Readings of bare digits as month, day, year: ``03031982``, ``030382``, ``331982``, ``3382``."""
    if len(digits) == 4 and digits[:2] in ("19", "20"):
        return []  # a year alone
    tails = [n for n in (4, 2) if len(digits) - n in (2, 3, 4)]
    found = []
    for n in tails:
        head, said_year = digits[:-n], int(digits[-n:])
        if n == 4 and not 1880 <= said_year <= 2100:
            continue
        splits = [(head[:k], head[k:]) for k in range(1, len(head)) if k <= 2 and len(head) - k <= 2]
        found += [
            SpokenDate(int(m), int(d), said_year)
            for m, d in splits
            if 1 <= int(m) <= 12 and 1 <= int(d) <= 31
        ]
    return [f for f in found if _valid(f)]


def birth_dates(text: str, today: date) -> list[Found[date]]:
    """Every whole birth date in ``text`` (not in the future), those in bare digits included.

    Bare digits that can be read in two ways (``1112 82``) yield both readings.
    """
    named = [(f.value.as_birth(today), f) for f in dates(text)]
    out = [Found(day, f.start, f.end) for day, f in named if day and day <= today]
    if out:
        return out
    for run in runs(text, _DIGITS):
        digits = "".join(p.chars for p in run)
        grouped = _grouped([p.chars for p in run])
        for spoken in [grouped] if grouped else _numeric(digits):
            day = spoken.as_birth(today)
            if day and day <= today:
                out.append(Found(day, run[0].start, run[-1].end))
    return out


def _grouped(parts: Sequence[str]) -> SpokenDate | None:
    """``3 3 82``, ``three, twenty one, nineteen eighty two``: the speaker's own grouping, if it is one."""
    if len(parts) == 4 and all(len(p) == 2 for p in parts[2:]):
        parts = [*parts[:2], parts[2] + parts[3]]
    if len(parts) != 3 or len(parts[2]) not in (2, 4) or max(len(parts[0]), len(parts[1])) > 2:
        return None
    month, day, said_year = (int(p) for p in parts)
    if month > 12 >= day:
        month, day = day, month
    found = SpokenDate(month, day, said_year)
    return found if month and day and _valid(found) else None
