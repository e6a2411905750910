"""Times of day and parts of the day as people say them at a practice's telephone."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import time

from fhirserver.world.spoken.numbers import TEENS, TENS, UNITS, ZERO, small
from fhirserver.world.spoken.words import Found, Token, tokens


@dataclass(frozen=True, slots=True)
class TimeWish:
    """From ``low`` (inclusive) to ``high`` (exclusive); ``exact`` when one time of day was named."""

    low: time
    high: time
    exact: time | None = None

    def holds(self, at: time) -> bool:
        """Whether a start at ``at`` is what was asked for."""
        return at == self.exact if self.exact else self.low <= at < self.high


_DAWN, _NIGHT = time(0, 0), time(23, 59)
_PARTS = {
    ("first", "thing"): (_DAWN, time(9, 30)),
    ("early", "morning"): (_DAWN, time(10, 0)),
    ("early", "in", "the", "morning"): (_DAWN, time(10, 0)),
    ("late", "morning"): (time(10, 0), time(12, 0)),
    ("early", "afternoon"): (time(12, 0), time(15, 0)),
    ("late", "afternoon"): (time(15, 0), time(18, 0)),
    ("after", "lunch"): (time(13, 0), time(17, 0)),
    ("before", "lunch"): (_DAWN, time(12, 0)),
    ("after", "work"): (time(16, 30), _NIGHT),
    ("after", "school"): (time(15, 0), _NIGHT),
    ("before", "work"): (_DAWN, time(9, 0)),
    ("end", "of", "the", "day"): (time(15, 30), _NIGHT),
    ("end", "of", "day"): (time(15, 30), _NIGHT),
    ("morning",): (_DAWN, time(12, 0)),
    ("mornings",): (_DAWN, time(12, 0)),
    ("afternoon",): (time(12, 0), time(18, 0)),
    ("afternoons",): (time(12, 0), time(18, 0)),
    ("evening",): (time(16, 0), _NIGHT),
    ("evenings",): (time(16, 0), _NIGHT),
    ("lunchtime",): (time(11, 30), time(13, 30)),
}
_FRACTIONS = {"half": 30, "quarter": 15}
_GREETINGS = ("good", "this")


def _word(ts: Sequence[Token], i: int) -> str:
    return ts[i].text if 0 <= i < len(ts) else ""


def _meridiem(ts: Sequence[Token], i: int) -> tuple[str, int]:
    """``am``, ``pm`` or nothing, and the index after it."""
    if _word(ts, i) in ("am", "pm"):
        return _word(ts, i), i + 1
    letters = [t.text for t in ts[i : i + 4] if t.raw != "."]
    if letters[:2] in (["a", "m"], ["p", "m"]):
        end = i
        while end < len(ts) and (ts[end].text in ("a", "p", "m") or ts[end].raw == "."):
            end += 1
        return letters[0] + "m", end
    said = [t.text for t in ts[i : i + 3]]
    if said[:2] == ["in", "the"] and len(said) == 3:
        half = {"morning": "am", "afternoon": "pm", "evening": "pm"}.get(said[2], "")
        return (half, i + 3) if half else ("", i)
    return ("pm", i + 2) if said[:2] == ["at", "night"] else ("", i)


def _clock(hour: int, minute: int, half: str) -> time | None:
    if not (0 <= hour <= 23 and 0 <= minute <= 59) or (half and hour > 12):
        return None
    if half == "pm" or (not half and 1 <= hour <= 6):
        hour = hour % 12 + 12
    elif half == "am":
        hour %= 12
    return time(hour, minute)


def _hour(ts: Sequence[Token], i: int) -> tuple[int, int] | None:
    if i < len(ts) and ts[i].is_number and len(ts[i].text) <= 2:
        return int(ts[i].text), i + 1
    found = UNITS.get(_word(ts, i)) or TEENS.get(_word(ts, i))
    return (found, i + 1) if found and found <= 12 else None


def _minute(ts: Sequence[Token], i: int) -> tuple[int, int] | None:
    if _word(ts, i) in ZERO and _word(ts, i + 1) in UNITS:
        return UNITS[_word(ts, i + 1)], i + 2
    if _word(ts, i) in TENS or _word(ts, i) in TEENS:
        return small(ts, i)
    if i < len(ts) and ts[i].is_number and len(ts[i].text) == 2:
        return int(ts[i].text), i + 1
    return None


def _written(ts: Sequence[Token], i: int) -> tuple[time, int] | None:
    """``14:30``, ``2:30 pm``, ``2.30pm``."""
    part = ts[i : i + 3]
    if len(part) < 3 or not part[0].is_number or not part[2].is_number or part[1].raw not in (":", "."):
        return None
    if len(part[2].text) != 2 or len(part[0].text) > 2:
        return None
    half, end = _meridiem(ts, i + 3)
    if part[1].raw == "." and not half:
        return None
    at = _clock(int(part[0].text), int(part[2].text), half)
    if len(part[0].text) == 2 and part[0].text.startswith("0") and not half:
        at = _clock(int(part[0].text), int(part[2].text), "am")
    return (at, end) if at else None


def _past(ts: Sequence[Token], i: int) -> tuple[time, int] | None:
    """``half past two``, ``a quarter to three``, ``ten past four``, ``twenty minutes to nine``."""
    minute = (_FRACTIONS[_word(ts, i)], i + 1) if _word(ts, i) in _FRACTIONS else small(ts, i)
    if minute is None:
        return None
    at = minute[1] + (1 if _word(ts, minute[1]) == "minutes" else 0)
    sign = {"past": 1, "after": 1, "to": -1, "till": -1, "before": -1}.get(_word(ts, at))
    hour = _hour(ts, at + 1) if sign else None
    if (
        sign is None
        or hour is None
        or (_word(ts, at) in ("after", "before") and _word(ts, i) not in _FRACTIONS)
    ):
        return None
    half, end = _meridiem(ts, hour[1])
    start = time(12, 0) if hour[0] == 12 else _clock(hour[0], 0, half)
    total = (start.hour * 60 if start else 0) + sign * minute[0]
    return (time(total // 60, total % 60), end) if start and total >= 0 else None


def _in_span(ts: Sequence[Token], i: int) -> bool:
    """``eleven`` in ``between nine and eleven``."""
    said = [t.text for t in ts[max(i - 5, 0) : i]]
    return bool(said) and said[-1] in ("and", "to") and bool({"between", "from"} & set(said))


_LEADS = frozenset(("at", "around", "about", "after", "before", "by", "between", "until", "till", "from"))


def _after_clock(ts: Sequence[Token], i: int) -> int:
    """The index after ``o'clock`` however it is spelled, or ``i``."""
    if _word(ts, i) in ("o'clock", "oclock"):
        return i + 1
    if _word(ts, i) == "o":
        at = i + 2 if i + 1 < len(ts) and ts[i + 1].is_mark else i + 1
        return at + 1 if _word(ts, at) == "clock" else i
    return i


def _led_by_part(ts: Sequence[Token], i: int) -> tuple[time, int] | None:
    """``morning 11``, ``afternoon at one``, ``evening 5``."""
    half = {"morning": "am", "afternoon": "pm", "evening": "pm"}.get(_word(ts, i))
    at = i + 2 if _word(ts, i + 1) == "at" else i + 1
    hour = _hour(ts, at) if half else None
    if half is None or hour is None:
        return None
    minute = _minute(ts, hour[1] + 1 if _word(ts, hour[1]) == ":" else hour[1])
    start = _clock(hour[0], minute[0] if minute else 0, half)
    if _meridiem(ts, minute[1] if minute else _after_clock(ts, hour[1]))[0]:
        return None
    return (start, minute[1] if minute else _after_clock(ts, hour[1])) if start else None


def _said(ts: Sequence[Token], i: int) -> tuple[time, int] | None:
    """``two thirty pm``, ``nine o'clock``, ``at ten``, ``10am``; a bare number alone is no time."""
    hour = _hour(ts, i)
    if hour is None or (ts[i].is_number and _word(ts, hour[1]) in ("/", "-")):
        return None
    minute = _minute(ts, hour[1])
    at, minutes = (minute[1], minute[0]) if minute else (hour[1], 0)
    rest = _after_clock(ts, at)
    clock_word = rest > at
    half, end = _meridiem(ts, rest)
    led = _word(ts, i - 1) in _LEADS
    led = led or _in_span(ts, i)
    if not (half or clock_word or led or (minute and minutes % 5 == 0 and not ts[i].is_number)):
        return None
    start = _clock(hour[0], minutes, half)
    return (start, end) if start else None


def _named(ts: Sequence[Token], i: int) -> tuple[time, int] | None:
    if _word(ts, i) in ("noon", "midday"):
        return time(12, 0), i + 1
    return (time(0, 0), i + 1) if _word(ts, i) == "midnight" else None


def _time_at(ts: Sequence[Token], i: int) -> tuple[time, int] | None:
    for reader in (_named, _led_by_part, _written, _past, _said):
        found = reader(ts, i)
        if found:
            return found
    return None


def _scan(ts: Sequence[Token]) -> Iterator[tuple[time, int, int]]:
    i = 0
    while i < len(ts):
        read = _time_at(ts, i)
        if read:
            yield read[0], i, read[1]
        i = read[1] if read else i + 1


def times(text: str) -> list[Found[time]]:
    """Every time of day in ``text``; hours from one to six without am or pm are afternoon."""
    ts = tokens(text)
    return [Found(at, ts[i].start, ts[end - 1].end) for at, i, end in _scan(ts)]


def bare_hours(text: str) -> list[time]:
    """Numbers that may be hours where times are being chosen from: ``nine``, ``ten works``, ``the two thirty``."""
    ts = tokens(text)
    out = []
    for i in range(len(ts)):
        hour = _hour(ts, i)
        if hour and 1 <= hour[0] <= 12:
            minute = _minute(ts, hour[1])
            at = _clock(hour[0], minute[0] if minute else 0, "")
            out += [at] if at else []
    return out


def _part_of_day(ts: Sequence[Token], i: int) -> tuple[TimeWish, int] | None:
    for said, (low, high) in _PARTS.items():
        if tuple(t.text for t in ts[i : i + len(said)]) == said:
            greeting = len(said) == 1 and _word(ts, i - 1) == "good"
            return None if greeting else (TimeWish(low, high), i + len(said))
    return None


def _bounded(ts: Sequence[Token], at: time, i: int) -> TimeWish:
    before = _word(ts, i - 1)
    if before in ("after", "from", "past") or (before == "than" and _word(ts, i - 2) == "later"):
        return TimeWish(at, _NIGHT)
    if before in ("before", "until", "till", "by") or (before == "than" and _word(ts, i - 2) == "earlier"):
        return TimeWish(_DAWN, at)
    if before == "about" and _word(ts, i - 2) in ("how", "what"):
        return TimeWish(at, _shifted(at, 1), at)
    if before in ("around", "about"):
        return TimeWish(_shifted(at, -60), _shifted(at, 61))
    return TimeWish(at, _shifted(at, 1), at)


def _shifted(at: time, minutes: int) -> time:
    total = min(max(at.hour * 60 + at.minute + minutes, 0), 23 * 60 + 59)
    return time(total // 60, total % 60)


def _between(ts: Sequence[Token], hits: Sequence[tuple[time, int, int]]) -> Found[TimeWish] | None:
    for (low, i, end), (high, j, after) in itertools.pairwise(hits):
        if (
            j == end + 1
            and _word(ts, end) in ("and", "to")
            and _word(ts, i - 1) in ("between", "from")
            and low < high
        ):
            return Found(TimeWish(low, high), ts[i].start, ts[after - 1].end)
    return None


def time_wishes(text: str) -> list[Found[TimeWish]]:
    """What time of day is wanted: exact times, bounds (``after three``) and parts of the day."""
    ts = tokens(text)
    hits = list(_scan(ts))
    span = _between(ts, hits)
    if span:
        return [span]
    found = [Found(_bounded(ts, at, i), ts[i].start, ts[end - 1].end) for at, i, end in hits]
    covered = {k for f in found for k in range(f.start, f.end)}
    i = 0
    while i < len(ts):
        part = _part_of_day(ts, i)
        if part and ts[i].start not in covered:
            found.append(Found(part[0], ts[i].start, ts[part[1] - 1].end))
        i = part[1] if part else i + 1
    return sorted(found, key=lambda f: f.start)
