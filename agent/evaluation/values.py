"""What a caller knows, in the forms in which it is said."""

from __future__ import annotations

import random
from datetime import date, datetime

from fhirserver.world.spoken.characters import PHONETIC
from fhirserver.world.spoken.dates import MONTHS
from fhirserver.world.spoken.days import WEEKDAYS
from fhirserver.world.spoken.say import say_date, say_digits, say_ordinal, say_phone, say_time, say_year


def birth_forms(day: date) -> tuple[str, ...]:
    """Ways to say a birth date."""
    month, ordinal, year = MONTHS[day.month - 1].title(), say_ordinal(day.day), say_year(day.year)
    short = say_digits(f"{day.year % 100:02}") if day.year % 100 < 10 else say_year(day.year).split(" ", 1)[1]
    return (
        f"{month} {ordinal} {year}",
        f"{month} {day.day}, {day.year}",
        f"the {ordinal} of {month} {year}",
        f"{day.month}/{day.day}/{day.year}",
        f"{month} the {ordinal}, {year}",
        f"{month} {ordinal} {short}" if day.year < 2000 else f"{month} {ordinal}, {day.year}",
    )


def slot_forms(at: datetime, days_offered: int) -> tuple[str, ...]:
    """Ways to point at a time that was offered; the day is said where several were."""
    clock = say_time(at.time().replace(second=0))
    bare = clock.removesuffix(" AM").removesuffix(" PM")
    weekday = WEEKDAYS[at.weekday()].title()
    full = (
        f"{weekday} at {clock}",
        f"{weekday} at {bare}",
        f"{say_date(at.date())} at {clock}".replace(", twenty twenty six", ""),
    )
    return full if days_offered > 1 else (f"the {bare}", clock, f"{at.hour % 12 or 12}:{at.minute:02}", *full)


def visit_forms(at: datetime, weekday_alone: bool = True) -> tuple[str, ...]:
    """Ways to say which appointment is meant; its weekday only where no other has the same."""
    weekday = WEEKDAYS[at.weekday()].title()
    full = (f"{MONTHS[at.month - 1].title()} {say_ordinal(at.day)}", f"{weekday} the {say_ordinal(at.day)}")
    return (*full, weekday, f"{weekday} at {say_time(at.time())}") if weekday_alone else full


def spelled_id(value: str, rng: random.Random) -> str:
    """A member id as it is read from a card: letters apart, sometimes with a word; digits one by one."""
    out = []
    for char in value:
        if char.isdigit():
            out.append(say_digits(char))
        else:
            word = next((w for w, letter in PHONETIC.items() if letter == char.upper()), "")
            out.append(f"{char} as in {word}" if word and rng.random() < 0.3 else char)
    return " ".join(out)


def phone_forms(number: str) -> tuple[str, ...]:
    digits = number[-10:]
    return (
        say_phone(number),
        f"{digits[:3]} {digits[3:6]} {digits[6:]}",
        f"{digits[:3]}-{digits[3:6]}-{digits[6:]}",
    )


def postal_forms(code: str) -> tuple[str, ...]:
    return (code, say_digits(code), say_digits(code).replace("zero", "oh"))


def spelled_name(name: str) -> str:
    """``Eve Bradtke`` → ``Eve Bradtke, that's B R A D T K E``."""
    return f"{name}, that's {spelled(name)}"


def spelled(name: str) -> str:
    """``Eve Bradtke`` → ``B R A D T K E``."""
    return " ".join(c.upper() for c in name.rsplit(" ", 1)[1] if c.isalpha())
