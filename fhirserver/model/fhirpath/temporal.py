"""Dates, dateTimes and times, partial ones too, kept as ISO text and compared by their fields.

A value that is less precise than another it would otherwise equal cannot be ordered against it, and one
without a time zone only against another without one, unless they lie further apart than zones do.
https://hl7.org/fhirpath/N1/#datetime-equality
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date
from functools import lru_cache
from typing import NamedTuple

_TIME = r"(\d\d)(?::(\d\d)(?::(\d\d)(?:\.(\d+))?)?)?"
_DATE = r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?"
_PATTERN = {
    "System.Date": re.compile(rf"{_DATE}\Z", re.ASCII),
    "System.DateTime": re.compile(rf"{_DATE}(?:T{_TIME}(Z|[+-]\d\d:\d\d)?)?\Z", re.ASCII),
    "System.Time": re.compile(rf"{_TIME}\Z", re.ASCII),
}
_US = 1_000_000
_MINUTE = 60 * _US
_DAY = 24 * 60 * _MINUTE
_EAST, _WEST = 14 * 60, -12 * 60


class Temporal(NamedTuple):
    """``fields`` from the year (or hour) down to the microseconds of the minute; ``offset`` in minutes."""

    system: str
    fields: tuple[int, ...]
    digits: int = 0
    offset: int | None = None

    @property
    def is_time(self) -> bool:
        return self.system == "System.Time"


@lru_cache(4096)
def parse(text: str, system: str) -> Temporal | None:
    """The parts of ``text`` as a ``System.Date``, ``System.DateTime`` or ``System.Time``, or None."""
    match = _PATTERN[system].match(text)
    if match is None:
        return None
    groups = match.groups()
    day = () if system == "System.Time" else _numbers(groups[:3])
    clock: tuple[str | None, ...] = groups if system == "System.Time" else groups[3:7]
    time, digits = ((), 0) if not clock else _clock(clock)
    zone = groups[7] if len(groups) > 7 else None
    parsed = Temporal(system, (*day, *time), digits, _offset(zone))
    return parsed if _is_real(parsed) else None


def _numbers(groups: tuple[str | None, ...]) -> tuple[int, ...]:
    return tuple(int(group) for group in groups if group is not None)


def _clock(groups: tuple[str | None, ...]) -> tuple[tuple[int, ...], int]:
    hour_minute = _numbers(groups[:2])
    if groups[2] is None:
        return hour_minute, 0
    fraction = groups[3] or ""
    return (*hour_minute, int(groups[2]) * _US + int(f"{fraction:0<6}"[:6])), min(len(fraction), 6)


def _offset(zone: str | None) -> int | None:
    if zone is None:
        return None
    if zone == "Z":
        return 0
    minutes = int(zone[1:3]) * 60 + int(zone[4:6])
    return -minutes if zone[0] == "-" else minutes


def _is_real(value: Temporal) -> bool:
    clock = value.fields if value.is_time else value.fields[3:]
    if any(part > limit for part, limit in zip(clock, (23, 59, 61 * _US - 1), strict=False)):
        return False
    if value.offset is not None and abs(value.offset) > _EAST:
        return False
    return value.is_time or _is_real_day(value.fields)


def _is_real_day(fields: tuple[int, ...]) -> bool:
    year, month, day = (*fields[:3], 1, 1)[:3]
    return year >= 1 and 1 <= month <= 12 and 1 <= day <= monthrange(year, month)[1]


def text_of(value: Temporal) -> str:
    """The ISO text of ``value``: ``2015-02-04T14:34:28.123+10:00``, ``2015-02``, ``14:30``."""
    clock = value.fields if value.is_time else value.fields[3:]
    text = (
        ""
        if value.is_time
        else "-".join(f"{part:0{4 if i == 0 else 2}}" for i, part in enumerate(value.fields[:3]))
    )
    if clock:
        text += ("" if value.is_time else "T") + _clock_text(clock, value.digits)
    return text + zone_text(value.offset) if clock else text


def _clock_text(clock: tuple[int, ...], digits: int) -> str:
    parts = [f"{part:02}" for part in clock[:2]]
    if len(clock) > 2:
        seconds, micros = divmod(clock[2], _US)
        parts.append(f"{seconds:02}" + (f".{micros:06}"[: digits + 1] if digits else ""))
    return ":".join(parts)


def zone_text(offset: int | None) -> str:
    """``Z``, ``+10:00`` or nothing."""
    if offset is None:
        return ""
    if offset == 0:
        return "Z"
    return f"{'-' if offset < 0 else '+'}{abs(offset) // 60:02}:{abs(offset) % 60:02}"


def compare(left: Temporal, right: Temporal) -> int | None:
    """-1, 0 or 1; None where precision or time zone leave it open. Both times, or neither."""
    if left.offset == right.offset:
        return _compare_fields(left.fields, right.fields)
    if left.offset is not None and right.offset is not None:
        return _compare_fields(_utc(left), _utc(right))
    return _compare_ranges(_range(left), _range(right))


def _compare_fields(left: tuple[int, ...], right: tuple[int, ...]) -> int | None:
    for a, b in zip(left, right, strict=False):
        if a != b:
            return -1 if a < b else 1
    return 0 if len(left) == len(right) else None


def _compare_ranges(left: tuple[int, int], right: tuple[int, int]) -> int | None:
    if left[1] < right[0]:
        return -1
    return 1 if left[0] > right[1] else None


def _utc(value: Temporal) -> tuple[int, ...]:
    at = _micros(value.fields) - (value.offset or 0) * _MINUTE
    return _fields(at)[: max(len(value.fields), 5)] if len(value.fields) < 6 else _fields(at)


def _range(value: Temporal) -> tuple[int, int]:
    """First and last microsecond, in UTC, that ``value`` may mean."""
    low, high = _micros(value.fields), _micros(_next(value.fields)) - 1
    if len(value.fields) == 6:
        high = low
    if value.offset is not None:
        return low - value.offset * _MINUTE, high - value.offset * _MINUTE
    return low - _EAST * _MINUTE, high - _WEST * _MINUTE


def _next(fields: tuple[int, ...]) -> tuple[int, ...]:
    """The fields with the last one a step further, not normalised."""
    return (*fields[:-1], fields[-1] + 1)


def _micros(fields: tuple[int, ...]) -> int:
    """Microseconds since the year 1; fields may be over their range."""
    year, month, day, hour, minute, micros = (*fields, *(1, 1, 1, 0, 0, 0)[len(fields) :])
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    if year > 9999:
        return (date.max.toordinal() + 1) * _DAY
    days = date(year, month, 1).toordinal() + day - 1
    return days * _DAY + (hour * 60 + minute) * _MINUTE + micros


def _fields(at: int) -> tuple[int, ...]:
    days, rest = divmod(at, _DAY)
    day = date.fromordinal(min(max(days, 1), date.max.toordinal()))
    minutes, micros = divmod(rest, _MINUTE)
    return day.year, day.month, day.day, minutes // 60, minutes % 60, micros


_FIELD = {"year": 0, "month": 1, "week": 2, "day": 2, "hour": 3, "minute": 4, "second": 5, "millisecond": 5}
_PER_FIELD = (12, 30, 24, 60, 60)
_SIZE = {"week": 7, "second": _US, "millisecond": 1000}


def add(value: Temporal, amount: int, unit: str) -> Temporal | None:
    """``value`` moved by ``amount`` calendar ``unit`` (microseconds for ``second``).

    None where the result is outside the years 1 to 9999 or the unit is no unit of a time.
    https://hl7.org/fhirpath/N1/#addition-2
    """
    field = _FIELD[unit]
    amount *= 1 if unit == "second" else _SIZE.get(unit, 1)
    return _add_to_time(value, amount, field) if value.is_time else _add_to_date(value, amount, field)


def _add_to_time(value: Temporal, amount: int, field: int) -> Temporal | None:
    if field < 3:
        return None
    field, amount = _coarser(amount, field, len(value.fields) + 2)
    hour, minute, micros = (*value.fields, 0, 0)[:3]
    at = (hour * 60 + minute) * _MINUTE + micros + amount * (_MINUTE * 60, _MINUTE, 1)[field - 3]
    minutes, micros = divmod(at % _DAY, _MINUTE)
    fields = (minutes // 60, minutes % 60, micros)[: len(value.fields)]
    return value._replace(fields=fields, digits=_digits(value, fields))


def _add_to_date(value: Temporal, amount: int, field: int) -> Temporal | None:
    field, amount = _coarser(amount, field, len(value.fields) - 1)
    full = (*value.fields, *(1, 1, 1, 0, 0, 0)[len(value.fields) :])
    if abs(amount) > 10_000 * 366 * _DAY:
        return None
    moved = (
        _move_months(full, amount * (12 if field == 0 else 1)) if field < 2 else _move(full, amount, field)
    )
    if moved is None:
        return None
    fields = moved[: len(value.fields)]
    return value._replace(fields=fields, digits=_digits(value, fields))


def _coarser(amount: int, field: int, last: int) -> tuple[int, int]:
    """Turn an amount finer than the value's precision into whole units of that precision."""
    if field == 5 > last:
        amount, field = _whole(amount, _MINUTE), 4
    if field == 2 and last == 0:
        return 0, _whole(amount, 365)
    while field > last:
        field -= 1
        amount = _whole(amount, _PER_FIELD[field])
    return field, amount


def _whole(amount: int, size: int) -> int:
    return amount // size if amount >= 0 else -(-amount // size)


def _move_months(fields: tuple[int, ...], months: int) -> tuple[int, ...] | None:
    year, month = divmod(fields[0] * 12 + fields[1] - 1 + months, 12)
    if not 1 <= year <= 9999:
        return None
    return (year, month + 1, min(fields[2], monthrange(year, month + 1)[1]), *fields[3:])


def _move(fields: tuple[int, ...], amount: int, field: int) -> tuple[int, ...] | None:
    at = _micros(fields) + amount * (_DAY, 60 * _MINUTE, _MINUTE, 1)[field - 2]
    return _fields(at) if _DAY <= at < (date.max.toordinal() + 1) * _DAY else None


def _digits(value: Temporal, fields: tuple[int, ...]) -> int:
    complete = len(fields) == (3 if value.is_time else 6)
    return max(value.digits, 3) if complete and fields[-1] % _US else value.digits


def comparable_fields(value: Temporal) -> tuple[int, ...]:
    """The fields, in UTC where there is a time zone."""
    return value.fields if value.offset is None else _utc(value)
