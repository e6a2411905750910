"""Whom and what a new EHR begins with, made from a seed: practitioners, slots, patients, appointments."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

from adapters.simulator.hl7.hospital import Hospital
from adapters.simulator.hl7.reading import Booking, Person, in_utc
from fhirserver.kernel.instants import Clock, SystemClock

OPENS, CLOSES, MINUTES = time(9), time(17), 30
_DOCTORS = (("Okafor", "Grace"), ("Lindqvist", "Erik"), ("Moreau", "Claire"), ("Tanaka", "Kenji"))
_GIVEN = {
    "F": ("Maria", "Ana", "Helen", "Ruth", "Sara", "Wei"),
    "M": ("Peter", "Luis", "Karl", "Omar", "Tom"),
}
_FAMILIES = (
    "Alvarez",
    "Bauer",
    "Chen",
    "Dubois",
    "Eriksen",
    "Fischer",
    "Haddad",
    "Ivanov",
    "Jansen",
    "Kowalski",
)
_STREETS = ("Main St", "Oak Ave", "Mill Rd", "Lake Dr")


def populate(hospital: Hospital, clock: Clock | None = None) -> None:
    """Fill an EHR that has nothing, and give the days that have come since their slots.

    All that is made is in its feed, as any other change.
    """
    options = hospital.options
    today = options.today or (clock or SystemClock()).now().astimezone(options.zone).date()
    with hospital.books.transaction():
        is_new = hospital.books.row("SELECT 1 FROM identity WHERE filled = 1") is None
        if is_new:
            hospital.books.do("UPDATE identity SET filled = 1")
            for number in range(options.practitioners):
                _practitioner(hospital, number)
        slots = _slots(hospital, list(_starts(today, options.days)))
        if is_new:
            _patients(hospital, slots)


def _slots(hospital: Hospital, starts: list[tuple[date, time]]) -> list[tuple[str, str]]:
    """Every practitioner's slots: whose, and when."""
    found = []
    for row in hospital.books.rows("SELECT npi FROM practitioners ORDER BY npi"):
        for day, at in starts:
            start = datetime.combine(day, at, hospital.options.zone).astimezone(UTC)
            ends = start + timedelta(minutes=MINUTES)
            found.append((str(row["npi"]), in_utc(start)))
            hospital.books.do("INSERT OR IGNORE INTO slots VALUES (?, ?, ?)", *found[-1], in_utc(ends))
    return found


def _patients(hospital: Hospital, free: list[tuple[str, str]]) -> None:
    """Patients, each with an appointment."""
    chance = random.Random(hospital.options.seed)  # noqa: S311
    for _ in range(hospital.options.patients):
        mrn = hospital.patient("A28", _person(chance))
        if free:
            npi, start = free.pop(chance.randrange(len(free)))
            resources = {"AIP": [hospital.people.practitioner(npi)]}
            told = Booking(start=start, fields={"SCH-7": "FU^Follow-up^L"}, resources=resources)
            hospital.appointment("S12", told, mrn)


def _practitioner(hospital: Hospital, number: int) -> None:
    family, given = _DOCTORS[number % len(_DOCTORS)]
    npi = _npi(123456000 + number)
    hospital.books.do("INSERT INTO practitioners VALUES (?, ?, ?)", npi, family, given)


def _npi(number: int) -> str:
    """An NPI of nine digits and its check digit (Luhn, with 80840 before it)."""
    digits = [int(digit) for digit in f"80840{number:09d}"]
    doubled = [2 * digit if place % 2 == 0 else digit for place, digit in enumerate(reversed(digits))]
    total = sum(digit // 10 + digit % 10 for digit in doubled)
    return f"{number:09d}{-total % 10}"


def _starts(today: date, days: int) -> Iterator[tuple[date, time]]:
    """The beginnings of the slots of so many workdays after ``today``."""
    day, left = today, days
    while left > 0:
        day += timedelta(days=1)
        if day.weekday() >= 5:
            continue
        left -= 1
        at = datetime.combine(day, OPENS)
        while at.time() < CLOSES:
            yield day, at.time()
            at += timedelta(minutes=MINUTES)


def _person(chance: random.Random) -> Person:
    sex = chance.choice("FM")
    born = date(1935, 1, 1) + timedelta(days=chance.randrange(28000))
    street = f"{chance.randrange(1, 200)} {chance.choice(_STREETS)}"
    fields = {
        "5": f"{chance.choice(_FAMILIES)}^{chance.choice(_GIVEN[sex])}^^^^^L",
        "7": f"{born:%Y%m%d}",
        "8": sex,
        "11": f"{street}^^Springfield^IL^62701^USA^H",
        "13": f"^PRN^PH^^1^217^555{chance.randrange(10000):04d}",
    }
    return Person((), fields, {})
