"""The clinic's calendar around today: schedules, slots, upcoming appointments, recent encounters."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from fhirserver.kernel.json import JsonObject

OPENS, CLOSES = time(9), time(17)
LENGTH = timedelta(minutes=30)
THURSDAY = 3
FIRST_APPOINTMENT = time(14, 30)

_SERVICE = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/service-type", "code": "124"}]}
_SERVICE["text"] = "General practice"  # type: ignore[assignment]
_ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_BUSY_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody or something that takes part: a reference and the name to show."""

    reference: str
    display: str

    def json(self) -> JsonObject:
        return {"reference": self.reference, "display": self.display}


@dataclass(frozen=True, slots=True)
class Place:
    """Whose calendar it is, where, and the offset its times are written with (such as ``-05:00``)."""

    practitioner: Actor
    location: Actor | None
    utc_offset: str


def coming_thursday(today: date) -> date:
    """The first Thursday after ``today``."""
    return today + timedelta(days=(THURSDAY - today.weekday() - 1) % 7 + 1)


def workdays(today: date, weeks: int) -> Iterator[date]:
    """The weekdays of ``weeks`` weeks from ``today`` on."""
    days = (today + timedelta(days=number) for number in range(7 * weeks))
    return (day for day in days if day.weekday() < 5)


def schedule(place: Place, today: date, weeks: int) -> JsonObject:
    actors = [place.practitioner.json()] + ([place.location.json()] if place.location else [])
    end = today + timedelta(days=7 * weeks)
    return {
        "resourceType": "Schedule",
        "active": True,
        "serviceType": [_SERVICE],
        "actor": actors,
        "planningHorizon": {"start": today.isoformat(), "end": end.isoformat()},
        "comment": f"Office hours of {place.practitioner.display}",
    }


def slots(
    schedule_reference: str, place: Place, days: Sequence[date], chance: random.Random
) -> Iterator[JsonObject]:
    """Half-hour slots over the opening hours; about one in four is taken by somebody else already."""
    for day in days:
        start = datetime.combine(day, OPENS)
        while start < datetime.combine(day, CLOSES):
            keep = day.weekday() == THURSDAY and start.time() == FIRST_APPOINTMENT
            taken = chance.random() < _BUSY_SHARE and not keep
            yield {
                "resourceType": "Slot",
                "serviceType": [_SERVICE],
                "schedule": {"reference": schedule_reference},
                "status": "busy" if taken else "free",
                "start": _at(start, place.utc_offset),
                "end": _at(start + LENGTH, place.utc_offset),
            }
            start += LENGTH


def appointment(slot: JsonObject, slot_reference: str, patient: Actor, place: Place) -> JsonObject:
    people = [patient, place.practitioner] + ([place.location] if place.location else [])
    return {
        "resourceType": "Appointment",
        "status": "booked",
        "serviceType": [_SERVICE],
        "description": "Follow-up visit",
        "start": slot["start"],
        "end": slot["end"],
        "slot": [{"reference": slot_reference}],
        "participant": [{"actor": actor.json(), "status": "accepted"} for actor in people],
    }


def encounter(patient: Actor, place: Place, day: date, reason: JsonObject | None) -> JsonObject:
    """A finished visit of half an hour on ``day``."""
    start = datetime.combine(day, time(10))
    record: JsonObject = {
        "resourceType": "Encounter",
        "status": "finished",
        "class": {"system": _ACT_CODE, "code": "AMB", "display": "ambulatory"},
        "type": [{"text": "Office visit"}],
        "subject": patient.json(),
        "participant": [{"individual": place.practitioner.json()}],
        "period": {"start": _at(start, place.utc_offset), "end": _at(start + LENGTH, place.utc_offset)},
    }
    if reason:
        record["reasonCode"] = [reason]
    if place.location:
        record["location"] = [{"location": place.location.json()}]
    return record


def recent_weekday(today: date, days_ago: int) -> date:
    """The last weekday at least ``days_ago`` days before ``today``."""
    day = today - timedelta(days=days_ago)
    return day - timedelta(days=max(0, day.weekday() - 4))


def _at(when: datetime, utc_offset: str) -> str:
    return f"{when.isoformat()}{utc_offset}"
