"""Dates and numbers as written, and the ranges they stand for. Both sides of a search read them here.

https://hl7.org/fhir/R4/search.html#date https://hl7.org/fhir/R4/search.html#number
All functions raise :class:`ValueError` on text that is not of the type; the message holds no text.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from math import inf, nextafter

_ONE = Fraction(1)
_SECOND = 1_000_000
_MINUTE = 60 * _SECOND
_DAY = 86_400 * _SECOND
_EPOCH_DAY = date(1970, 1, 1).toordinal()

# A space before the offset: a "+" that a client forgot to escape in a URL.
_DATE = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)"
    r"(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,12}))?)?(Z|[+\- ]\d\d:\d\d)?)?)?)?\Z",
    re.ASCII,
)
_NUMBER = re.compile(r"[+-]?\d{1,40}(?:\.\d{1,40})?(?:[eE][+-]?\d{1,3})?\Z", re.ASCII)


def date_range(text: str) -> tuple[int, int]:
    """The half-open range of microseconds that a date, dateTime or instant of any precision covers.

    Without a zone it is UTC. Fractions of a second are read to the microsecond.
    """
    match = _DATE.match(text)
    if match is None:
        raise ValueError("not a date")
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    if day is None:
        return _calendar_range(int(year), int(month) if month else None)
    low = (date(int(year), int(month), int(day)).toordinal() - _EPOCH_DAY) * _DAY
    if hour is None:
        return low, low + _DAY
    low += _time_of_day(int(hour), int(minute), int(second or 0)) - _offset(zone)
    if second is None:
        return low, low + _MINUTE
    if fraction is None:
        return low, low + _SECOND
    digits = fraction[:6]
    step = 10 ** (6 - len(digits))
    low += int(digits) * step
    return low, low + step


def _calendar_range(year: int, month: int | None) -> tuple[int, int]:
    """The range of a whole year or month."""
    low = date(year, month or 1, 1).toordinal()
    last = date(year, month or 12, 31 if month is None else _last_day(year, month)).toordinal()
    return (low - _EPOCH_DAY) * _DAY, (last + 1 - _EPOCH_DAY) * _DAY


def _last_day(year: int, month: int) -> int:
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31


def _time_of_day(hour: int, minute: int, second: int) -> int:
    if hour > 23 or minute > 59 or second > 60:
        raise ValueError("not a time of day")
    return (hour * 3600 + minute * 60 + second) * _SECOND


def _offset(zone: str | None) -> int:
    if zone is None or zone == "Z":
        return 0
    hours, minutes = int(zone[1:3]), int(zone[4:6])
    if hours > 14 or minutes > 59:
        raise ValueError("not a time zone")
    offset = (hours * 60 + minutes) * _MINUTE
    return -offset if zone[0] == "-" else offset


def number(text: str) -> Decimal:
    """The number itself."""
    if _NUMBER.match(text) is None:
        raise ValueError("not a number")
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError("not a number") from None


def half_unit(text: str) -> Decimal:
    """Half a unit of the last digit written: 0.5 for ``100``, 0.005 for ``100.00``.

    A whole mantissa counts as if it had one decimal, because the specification reads ``1e2`` as 95 to 105.
    """
    value = number(text)
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)
    if "." not in text and ("e" in text or "E" in text):
        exponent -= 1
    return Decimal(5).scaleb(exponent - 1)


def number_range(text: str, factor: Fraction = _ONE) -> tuple[float, float, float]:
    """The number, and the half-open range its written precision stands for, all times ``factor``."""
    exact, half = Fraction(number(text)), Fraction(half_unit(text))
    value = _float(exact * factor)
    low, high = _float((exact - half) * factor), _float((exact + half) * factor)
    # With more digits than a float holds, the range would shrink to nothing.
    return value, min(low, value), max(high, nextafter(value, inf))


def approximate_range(text: str, factor: Fraction = _ONE) -> tuple[float, float]:
    """The closed range of ``ap``: 10 % to either side, but never less than the written precision."""
    value = Fraction(number(text))
    margin = max(abs(value) / 10, Fraction(half_unit(text)))
    return _float((value - margin) * factor), _float((value + margin) * factor)


def _float(number: Fraction) -> float:
    try:
        return float(number)
    except OverflowError:
        return inf if number > 0 else -inf
