"""Instants and the clock. All times inside are UTC and written with milliseconds and ``Z``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol

from fhirserver.kernel.wall import seconds

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """Where time comes from, so that tests and rebuilds can say what it is."""

    def now(self) -> datetime: ...


class SystemClock:
    """The wall clock (in drills :mod:`fhirserver.kernel.wall` has it run faster)."""

    def now(self) -> datetime:
        return datetime.fromtimestamp(seconds(), UTC)


class FixedClock:
    """A clock that stands until it is moved."""

    def __init__(self, at: datetime):
        self.at = at

    def now(self) -> datetime:
        return self.at


def instant(at: datetime) -> str:
    """``2026-11-22T14:47:00.000Z``: fixed width, so that text order is time order.

    Raises :class:`ValueError` for an instant that in UTC is outside the years 1 to 9999.
    """
    try:
        at = at.astimezone(UTC)
    except OverflowError:
        raise ValueError("the instant is outside the years 1 to 9999") from None
    return at.isoformat(timespec="milliseconds")[:-6] + "Z"


def parse_instant(text: str) -> datetime:
    """Parse a FHIR instant or dateTime that carries a time. Raises :class:`ValueError`."""
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def microseconds(recorded: str) -> int:
    """An :func:`instant` as microseconds since 1970."""
    return (datetime.fromisoformat(recorded) - _EPOCH) // timedelta(microseconds=1)


def comparable(text: str) -> str:
    """A FHIR date, dateTime or instant as the UTC instant it begins at, so that text order is time order.

    Raises :class:`ValueError` for anything else.
    """
    if len(text) == 4:
        text += "-01-01"
    elif len(text) == 7:
        text += "-01"
    return instant(parse_instant(text))


def span(seconds: int) -> str:
    """A time as people say it, rounded up to whole hours from two on, to whole minutes from two on."""
    length, unit = next(
        (length, unit)
        for length, unit in ((3600, "hour"), (60, "minute"), (1, "second"))
        if seconds % length == 0 or seconds >= 2 * length
    )
    count = -(-seconds // length)
    return f"{count} {unit}{'' if count == 1 else 's'}"
