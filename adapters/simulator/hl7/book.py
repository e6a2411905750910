"""What the simulated EHR keeps: patients and appointments, in memory and, where one is named, in a file."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

AUTHORITY = "SIMHOSP"
"""The authority of its own numbers."""


class Taken(Exception):
    """Somebody else has the time."""


@dataclass(slots=True)
class Patient:
    """``fields``: PID fields by number, as they are written with the usual separators. ``others``: numbers of other
    authorities, as ``number^^^authority``. ``more``: NK1 and IN1 segments as they came last."""

    mrn: str
    fields: dict[str, str] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)
    more: list[str] = field(default_factory=list)
    revision: int = 1


@dataclass(slots=True)
class Appointment:
    """``placer`` is SCH-1 as written. ``start`` and ``end`` are HL7 time stamps. ``who`` are who and what it takes, by
    which a time is taken; ``resources`` the segments from RGS on."""

    filler: str
    placer: str
    mrn: str
    start: str = ""
    end: str = ""
    status: str = "Booked"
    fields: dict[str, str] = field(default_factory=dict)
    who: list[str] = field(default_factory=list)
    resources: list[str] = field(default_factory=list)
    revision: int = 1

    @property
    def stands(self) -> bool:
        return self.status.lower() in ("booked", "pending", "")


class Book:
    """The records. ``answers`` remembers what was answered to each control id, so that a repeat has no effect."""

    def __init__(self, file: Path | None = None):
        self._file = file
        self.patients: dict[str, Patient] = {}
        self.appointments: dict[str, Appointment] = {}
        self.answers: dict[str, str] = {}
        self.number = 1000
        if file is not None and file.exists():
            self._load(json.loads(file.read_text("utf-8")))

    def _load(self, kept: dict[str, Any]) -> None:
        self.patients = {made["mrn"]: Patient(**made) for made in kept["patients"]}
        self.appointments = {made["filler"]: Appointment(**made) for made in kept["appointments"]}
        self.answers, self.number = kept["answers"], kept["number"]

    def save(self) -> None:
        """Make it durable: before anybody is answered."""
        if self._file is None:
            return
        beside = self._file.with_suffix(".new")
        with beside.open("w", encoding="utf-8") as out:
            json.dump({**self.as_json(), "answers": self.answers, "number": self.number}, out)
            out.flush()
            os.fsync(out.fileno())
        beside.replace(self._file)

    def as_json(self) -> dict[str, Any]:
        return {
            "patients": [asdict(one) for one in self.patients.values()],
            "appointments": [asdict(one) for one in self.appointments.values()],
        }

    def next_number(self) -> str:
        self.number += 1
        return str(self.number)

    def patient_by(self, numbers: list[tuple[str, str]]) -> Patient | None:
        """The patient whom any of the numbers, with their authorities, names."""
        for value, authority in numbers:
            if authority == AUTHORITY and value in self.patients:
                return self.patients[value]
        wanted = {f"{value}^^^{authority}" for value, authority in numbers}
        return next((one for one in self.patients.values() if wanted & set(one.others)), None)

    def appointment_by(self, filler: str, placer: str) -> Appointment | None:
        """The appointment of a filler's number, else of a placer's."""
        if filler in self.appointments:
            return self.appointments[filler]
        placed = (one for one in self.appointments.values() if placer and one.placer == placer)
        return next(placed, None)

    def check_free(self, wanted: Appointment) -> None:
        """Raises :class:`Taken` where one of those whom it takes is taken then."""
        for other in self.appointments.values():
            if other.filler != wanted.filler and other.stands and _overlap(other, wanted):
                raise Taken


def _overlap(one: Appointment, other: Appointment) -> bool:
    if not set(one.who) & set(other.who) or not (one.start and other.start):
        return False
    return one.start < (other.end or other.start + "1") and other.start < (one.end or one.start + "1")
