"""The practice that callers of the evaluation call: its patients, visits and free slots as FHIR resources."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from importlib import resources
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from fhirserver.kernel.json import JsonObject

ZONE = ZoneInfo("America/New_York")
_VISIT = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Person:
    """A patient of the practice, as the record has them."""

    id: str
    name: str
    born: date
    phone: str
    address: str = ""

    @property
    def given(self) -> str:
        return self.name.rsplit(" ", 1)[0]

    @property
    def family(self) -> str:
        return self.name.rsplit(" ", 1)[1]


@dataclass(frozen=True, slots=True)
class Practice:
    """Everything the EHR has stated before the first call. ``resources`` are in an order that can be loaded."""

    people: dict[str, Person]
    visits: dict[str, tuple[str, datetime, str]]
    """By id: patient, start (in the practice's zone), doctor's name."""
    members: dict[str, str]
    """Member ids by patient."""
    resources: tuple[JsonObject, ...]


@cache
def practice() -> Practice:
    """The practice of ``practice.yaml``."""
    stated = yaml.safe_load(resources.files(__package__).joinpath("practice.yaml").read_text("utf-8"))
    people = {
        key: Person(key, p["name"], p["born"], p["phone"], p.get("address", ""))
        for key, p in stated["patients"].items()
    }
    doctors = {key: f"Dr. {name}" for key, name in stated["doctors"].items()}
    visits = {
        key: (v["patient"], _local(v["start"]), doctors[v["doctor"]]) for key, v in stated["visits"].items()
    }
    members = {c["patient"]: c["member"] for c in stated["coverages"].values()}
    made = [
        *(_doctor(key, name) for key, name in stated["doctors"].items()),
        *({"resourceType": "Organization", "id": k, "name": n} for k, n in stated["payers"].items()),
        *(_place(key, p) for key, p in stated["places"].items()),
        *(_patient(p) for p in people.values()),
        *(_schedule(key, name) for key, name in doctors.items()),
        *_slots(stated),
        *(_visit(key, v, doctors) for key, v in stated["visits"].items()),
        *(_coverage(key, c, stated["payers"]) for key, c in stated["coverages"].items()),
    ]
    return Practice(people, visits, members, tuple(made))


def _local(text: Any) -> datetime:
    at = text if isinstance(text, datetime) else datetime.fromisoformat(str(text))
    return at.replace(tzinfo=ZONE)


def _doctor(id: str, name: str) -> JsonObject:
    given, family = name.split(" ", 1)
    return {
        "resourceType": "Practitioner",
        "id": id,
        "name": [{"family": family, "given": [given], "prefix": ["Dr."]}],
    }


def _place(id: str, place: JsonObject) -> JsonObject:
    line, city, state, postal = place["address"].split(", ")
    return {
        "resourceType": "Location",
        "id": id,
        "status": "active",
        "name": place["name"],
        "telecom": [{"system": "phone", "value": place["phone"]}],
        "address": {"line": [line], "city": city, "state": state, "postalCode": postal},
        "hoursOfOperation": [
            {
                "daysOfWeek": hours["days"],
                "openingTime": f"{hours['from']}:00",
                "closingTime": f"{hours['to']}:00",
            }
            for hours in place["hours"]
        ],
    }


def _patient(person: Person) -> JsonObject:
    made: JsonObject = {
        "resourceType": "Patient",
        "id": person.id,
        "name": [{"use": "official", "family": person.family, "given": [person.given]}],
        "telecom": [{"system": "phone", "value": person.phone, "use": "home"}],
        "birthDate": person.born.isoformat(),
    }
    if person.address:
        line, city, state, postal = person.address.split(", ")
        made["address"] = [
            {"use": "home", "line": [line], "city": city, "state": state, "postalCode": postal}
        ]
    return made


def _schedule(id: str, name: str) -> JsonObject:
    actor = {"reference": f"Practitioner/{id}", "display": name}
    return {"resourceType": "Schedule", "id": id, "active": True, "actor": [actor]}


def _slots(stated: JsonObject) -> list[JsonObject]:
    made = []
    for doctor, plan in stated["free"].items():
        for day in plan["days"]:
            for time in plan["times"]:
                start = _local(f"{day}T{time}")
                made.append(_slot(f"{doctor}-{start:%m%d-%H%M}", doctor, start, "free"))
    for key, visit in stated["visits"].items():
        made.append(_slot(f"of-{key}", visit["doctor"], _local(visit["start"]), "busy"))
    return made


def _slot(id: str, doctor: str, start: datetime, status: str) -> JsonObject:
    return {
        "resourceType": "Slot",
        "id": id,
        "schedule": {"reference": f"Schedule/{doctor}"},
        "status": status,
        "start": start.isoformat(),
        "end": (start + _VISIT).isoformat(),
    }


def _visit(id: str, visit: JsonObject, doctors: dict[str, str]) -> JsonObject:
    start, status = _local(visit["start"]), visit.get("status", "booked")
    accepted = "accepted" if status == "booked" else "needs-action"
    doctor = {"reference": f"Practitioner/{visit['doctor']}", "display": doctors[visit["doctor"]]}
    return {
        "resourceType": "Appointment",
        "id": id,
        "status": status,
        "description": "Follow-up visit",
        "start": start.isoformat(),
        "end": (start + _VISIT).isoformat(),
        "slot": [{"reference": f"Slot/of-{id}"}],
        "participant": [
            {"actor": {"reference": f"Patient/{visit['patient']}"}, "status": accepted},
            {"actor": doctor, "status": "accepted"},
        ],
    }


def _coverage(id: str, cover: JsonObject, payers: dict[str, str]) -> JsonObject:
    return {
        "resourceType": "Coverage",
        "id": id,
        "status": "active",
        "beneficiary": {"reference": f"Patient/{cover['patient']}"},
        "subscriberId": cover["member"],
        "payor": [{"reference": f"Organization/{cover['payer']}", "display": payers[cover["payer"]]}],
    }
