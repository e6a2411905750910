"""Values made speakable: what is said here is understood by the readers beside it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time

from fhirserver.world.spoken.dates import MONTHS
from fhirserver.world.spoken.days import WEEKDAYS
from fhirserver.world.spoken.identifiers import phone_key
from fhirserver.world.spoken.numbers import ORDINALS, TEENS, TENS, UNITS

_DIGIT_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_WORDS = {n: w for w, n in (UNITS | TEENS | TENS).items() if w not in ("fourty", "niner", "fife")}
_ORDINAL_WORDS = {n: w for w, n in ORDINALS.items()}


def say_digits(digits: str) -> str:
    """``902`` → ``nine zero two``."""
    return " ".join(_DIGIT_WORDS[int(d)] for d in digits)


def say_number(n: int) -> str:
    """0 to 99 in words."""
    if n == 0:
        return "zero"
    if n in _WORDS:
        return _WORDS[n]
    return f"{_WORDS[n // 10 * 10]} {_WORDS[n % 10]}"


def say_ordinal(n: int) -> str:
    """1 to 99 as an ordinal in words."""
    if n in _ORDINAL_WORDS:
        return _ORDINAL_WORDS[n]
    return f"{_WORDS[n // 10 * 10]} {_ORDINAL_WORDS[n % 10]}"


def say_year(y: int) -> str:
    """``1982`` → ``nineteen eighty two``; ``1905`` → ``nineteen oh five``."""
    head, tail = divmod(y, 100)
    if 2000 <= y <= 2009:
        return "two thousand" + (f" {_WORDS[tail]}" if tail else "")
    if tail == 0:
        return f"{say_number(head)} hundred"
    return f"{say_number(head)} oh {_WORDS[tail]}" if tail < 10 else f"{say_number(head)} {say_number(tail)}"


def say_date(day: date, today: date | None = None) -> str:
    """``Thursday, December third``; the year is said when it is not the current one."""
    said = f"{MONTHS[day.month - 1].title()} {say_ordinal(day.day)}"
    if today is None or day.year != today.year:
        said += f", {say_year(day.year)}"
    return said if today is None else f"{WEEKDAYS[day.weekday()].title()}, {said}"


def say_birth_date(day: date) -> str:
    """``March third, nineteen eighty two``."""
    return say_date(day)


def say_time(at: time) -> str:
    """``two thirty PM``, ``nine AM``, ``noon``."""
    if (at.hour, at.minute) == (12, 0):
        return "noon"
    hour = say_number((at.hour - 1) % 12 + 1)
    half = "AM" if at.hour < 12 else "PM"
    if at.minute == 0:
        return f"{hour} {half}"
    minute = f"oh {_WORDS[at.minute]}" if at.minute < 10 else say_number(at.minute)
    return f"{hour} {minute} {half}"


def say_moment(at: datetime, today: date) -> str:
    """``Thursday, December third at two thirty PM``, in the time zone ``at`` carries."""
    return f"{say_date(at.date(), today)} at {say_time(at.timetz().replace(tzinfo=None))}"


def say_phone(number: str) -> str:
    """``+14125550142`` → ``four one two, five five five, zero one four two``."""
    digits = phone_key(number)
    parts = (digits[:3], digits[3:6], digits[6:]) if len(digits) == 10 else (digits,)
    return ", ".join(say_digits(p) for p in parts)


def say_id(value: str) -> str:
    """``ABC987`` → ``A B C, nine eight seven``: letters apart, digits in words, groups of at most four."""
    groups: list[str] = []
    for char in value:
        same = groups and groups[-1][-1].isdigit() == char.isdigit() and len(groups[-1]) < 4
        if same:
            groups[-1] += char
        else:
            groups.append(char)
    return ", ".join(say_digits(g) if g[0].isdigit() else " ".join(g) for g in groups)


def say_spelled(word: str) -> str:
    """``O'Brien`` → ``O, apostrophe, B, R, I, E, N``."""
    named = {"'": "apostrophe", "-": "hyphen"}
    return ", ".join(named.get(c, c.upper()) for c in word if not c.isspace())


def say_list(items: Sequence[str], joiner: str = "or") -> str:
    """``a, b or c``."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {joiner} {items[-1]}"


def sentences(parts: Iterable[str]) -> str:
    """Sentences joined by spaces, the empty ones left out."""
    return " ".join(p for p in parts if p)
