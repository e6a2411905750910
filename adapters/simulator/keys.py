"""What the simulated EHR can search by: a few parameters, taken from a record as plain texts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from fhirserver.kernel.json import JsonObject

PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb")
_DATE = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:\d\d)?)?)?)?\Z"
)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One search parameter: its FHIR type and the places where a record of each resource type holds it."""

    kind: str
    paths: dict[str, tuple[str, ...]]

    def places(self, type: str) -> tuple[str, ...]:
        return self.paths.get(type, self.paths.get("*", ()))


_PATIENT = ("subject.reference", "patient.reference", "beneficiary.reference", "participant.actor.reference")
_PEOPLE = ("Patient", "Practitioner")

PARAMETERS: dict[str, Parameter] = {
    "identifier": Parameter("token", {"*": ("identifier",)}),
    "_tag": Parameter("token", {"*": ("meta.tag",)}),
    "url": Parameter("uri", {"Subscription": ("channel.endpoint",)}),
    "status": Parameter("token", {"*": ("status",)}),
    "code": Parameter("token", {"*": ("code.coding", "medicationCodeableConcept.coding")}),
    "patient": Parameter("reference", {"*": _PATIENT}),
    "subject": Parameter("reference", {"*": ("subject.reference",)}),
    "actor": Parameter("reference", {"*": ("actor.reference", "participant.actor.reference")}),
    "schedule": Parameter("reference", {"Slot": ("schedule.reference",)}),
    "slot": Parameter("reference", {"Appointment": ("slot.reference",)}),
    "name": Parameter("string", {"*": ("name",), **dict.fromkeys(_PEOPLE, ("name.family", "name.given"))}),
    "family": Parameter("string", dict.fromkeys(_PEOPLE, ("name.family",))),
    "given": Parameter("string", dict.fromkeys(_PEOPLE, ("name.given",))),
    "birthdate": Parameter("date", {"Patient": ("birthDate",)}),
    "phone": Parameter("phone", {"*": ("telecom",)}),
    "start": Parameter("date", {"Slot": ("start",)}),
    "date": Parameter(
        "date",
        {
            "Appointment": ("start",),
            "Encounter": ("period.start",),
            "Schedule": ("planningHorizon.start",),
            "*": ("effectiveDateTime", "date", "authoredOn", "recordedDate", "occurrenceDateTime"),
        },
    ),
}


def keys(record: JsonObject) -> Iterator[tuple[str, str]]:
    """The (parameter, text) pairs a record is found by."""
    for code, parameter in PARAMETERS.items():
        for place in parameter.places(record["resourceType"]):
            for value in _at(record, place.split(".")):
                for text in _texts(parameter.kind, value):
                    yield code, text


def digits(phone: str) -> str:
    """A phone number as its national digits."""
    return re.sub(r"\D", "", phone)[-10:]


def date_range(text: str) -> tuple[str, str]:
    """The first instant a date or dateTime covers and the first after it. Raises :class:`ValueError`."""
    match = _DATE.match(text)
    if match is None:
        raise ValueError("not a date")
    year, month, day, time, zone = match.groups()
    if time:
        start = datetime.fromisoformat(text if zone else text + "+00:00").astimezone(UTC)
        return stamp(start), stamp(start + _length(time))
    start = datetime(int(year), int(month or 1), int(day or 1), tzinfo=UTC)
    days = 1 if day else 32 if month else 366
    after = start + timedelta(days=days)
    after = (
        after
        if day
        else after.replace(day=1)
        if month
        else after.replace(year=start.year + 1, month=1, day=1)
    )
    return stamp(start), stamp(after)


def _length(time: str) -> timedelta:
    """How long a time of day lasts, by the precision it is written with."""
    if time.count(":") == 1:
        return timedelta(minutes=1)
    fraction = time.partition(".")[2]
    return timedelta(microseconds=10 ** max(0, 6 - len(fraction)))


def stamp(at: datetime) -> str:
    """A UTC instant with microseconds, in fixed width."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _at(value: Any, path: list[str]) -> Iterator[Any]:
    for item in value if isinstance(value, list) else (value,):
        if not path:
            yield item
        elif isinstance(item, dict) and path[0] in item:
            yield from _at(item[path[0]], path[1:])


def _texts(kind: str, value: Any) -> Iterable[str]:
    if kind == "token":
        return _token_texts(value)
    if kind == "phone":
        return _phone_texts(value)
    if not isinstance(value, str):
        return ()
    if kind == "reference":
        return (value, value.rpartition("/")[2])
    return _date_texts(value) if kind == "date" else (value.casefold(),)


def _token_texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        return (value,)
    code = value.get("value", value.get("code")) if isinstance(value, dict) else None
    if not isinstance(code, str):
        return ()
    return (code, f"{value.get('system', '')}|{code}")


def _phone_texts(value: Any) -> Iterable[str]:
    if isinstance(value, dict) and value.get("system") == "phone" and isinstance(value.get("value"), str):
        return (digits(value["value"]),)
    return ()


def _date_texts(value: str) -> Iterable[str]:
    try:
        return (date_range(value)[0],)
    except ValueError:
        return ()
