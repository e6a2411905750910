"""Invented people and a calendar for simulated vendors; nobody is real, numbers are of the range kept for fiction."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from datetime import time as Time

_GIVEN = ("Ada", "Ben", "Cora", "Dan", "Edith", "Felix", "Grace", "Hugo", "Ida", "Jonas", "Karla", "Leo")
_FAMILY = ("Albers", "Brook", "Castle", "Dunn", "Ember", "Frost", "Glass", "Holt", "Irving", "Jarvis")
_STREETS = ("Main St", "Oak Ave", "Mill Rd", "Park Ln")


@dataclass(frozen=True, slots=True)
class Person:
    given: str
    family: str
    sex: str
    born: date
    phone: str
    email: str
    street: str
    member: str


def people(count: int, seed: int = 1) -> Iterator[Person]:
    """The same people for the same seed."""
    draw = random.Random(seed)  # noqa: S311
    for number in range(count):
        given, family = _GIVEN[number % len(_GIVEN)], _FAMILY[(number * 7 + number // 10) % len(_FAMILY)]
        born = date(1940, 1, 1) + timedelta(days=draw.randrange(29_000))
        yield Person(
            given=given,
            family=family,
            sex="F" if number % 2 == 0 else "M",
            born=born,
            phone=f"617555{100 + number:04d}",
            email=f"{given}.{family}{number}@example.org".lower(),
            street=f"{1 + draw.randrange(400)} {draw.choice(_STREETS)}",
            member=f"M{100000 + number}",
        )


def times(today: date, days: int, minutes: int = 30) -> Iterator[datetime]:
    """When slots begin, on weekdays from tomorrow on, 9 to 12 and 13 to 16 o'clock."""
    for ahead in range(1, days + 1):
        day = today + timedelta(days=ahead)
        if day.weekday() < 5:
            for hour in (9, 10, 11, 13, 14, 15):
                for minute in range(0, 60, minutes):
                    yield datetime.combine(day, Time(hour, minute))
