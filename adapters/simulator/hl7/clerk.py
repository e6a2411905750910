"""What a clerk of the EHR's own does at the control port."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from adapters.simulator.hl7.diary import ENDS
from adapters.simulator.hl7.hospital import CHANGES, PATIENT_EVENTS, Hospital
from adapters.simulator.hl7.people import FRIENDLY
from adapters.simulator.hl7.reading import Booking, Person, Refused, in_utc

Json = dict[str, Any]
_BOOKING = {"patient", "practitioner", "start", "end", "status"}


class Clerk:
    """Everything raises :class:`Refused` where the EHR cannot, ValueError where what is asked is wrong."""

    def __init__(self, hospital: Hospital):
        self._hospital = hospital

    def register(self, body: Json) -> str:
        """The MRN. ``event`` is A28, or another that registers; ``class`` that of the visit that begins with A04."""
        event, kind = _event(body, "A28", PATIENT_EVENTS), str(body.pop("class", ""))
        return self._hospital.patient(event, _person(body), kind=kind)

    def alter(self, mrn: str, body: Json) -> str:
        event, kind = _event(body, "A31", PATIENT_EVENTS), str(body.pop("class", ""))
        return self._hospital.patient(event, _person(body), kind=kind, mrn=self._mrn(mrn))

    def merge(self, gone: str, survivor: str) -> None:
        self._hospital.merge(self._mrn(survivor), self._mrn(gone))

    def book(self, body: Json) -> str:
        """The filler number."""
        mrn = self._mrn(str(body.get("patient", "")))
        return self._hospital.appointment("S12", self._booking(body), mrn)

    def change(self, filler: str, body: Json) -> str:
        """S13 where its time is told, else S14, unless ``event`` says another."""
        event = _event(body, "S13" if {"start", "end"} & set(body) else "S14", CHANGES)
        return self._hospital.appointment(event, self._booking(body, filler), self._of(filler))

    def end(self, filler: str, event: str) -> str:
        _event({"event": event}, event, tuple(ENDS))
        return self._hospital.appointment(event, Booking(filler=filler), self._of(filler))

    def _of(self, filler: str) -> str:
        row = self._hospital.diary.row(filler)
        if row is None:
            raise Refused("204", "SCH-2", "there is no such appointment", "NO_APPOINTMENT")
        return str(row["mrn"])

    def _mrn(self, mrn: str) -> str:
        if self._hospital.people.row(mrn) is None:
            raise Refused("204", "PID-3", "no patient has this number", "NO_PATIENT")
        return self._hospital.people.survivor(mrn)

    def _booking(self, body: Json, filler: str = "") -> Booking:
        if unknown := sorted(set(body) - _BOOKING):
            raise ValueError(f"unknown member {unknown[0]}; there are {', '.join(sorted(_BOOKING))}")
        npi = str(body.get("practitioner", ""))
        resources = {"AIP": [self._hospital.people.practitioner(npi)]} if npi else {}
        times = (_time(body, "start"), _time(body, "end"))
        return Booking("", "", filler, *times, str(body.get("status", "")), {}, resources)


def _time(body: Json, name: str) -> str:
    if not (text := str(body.get(name, ""))):
        return ""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{name} needs a time zone")
    return in_utc(at)


def _event(body: Json, default: str, allowed: tuple[str, ...]) -> str:
    event = str(body.pop("event", default))
    if event not in allowed:
        raise ValueError(f"event is one of {', '.join(allowed)}")
    return event


def _person(body: Json) -> Person:
    """Fields of PID by a clerk's name or as ``PID-15``; a value is the field's text; null or empty: there is none."""
    fields: dict[str, str] = {}
    for name, value in body.items():
        number = FRIENDLY.get(name) or name.removeprefix("PID-")
        if not (number.isascii() and number.isdigit() and 5 <= int(number) <= 39):
            raise ValueError(f"unknown field {name}")
        if not isinstance(value, str | None) or set(value or "") & set("|\r\n"):
            raise ValueError(f"{name} must be a field's text")
        fields[str(int(number))] = value or '""'
    return Person((), fields, {})
