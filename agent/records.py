"""What the brains know of FHIR resources: only what a conversation needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

from fhirserver.kernel.json import JsonObject


@dataclass(frozen=True, slots=True)
class PatientRecord:
    """A patient; ``names`` are (given names, family name) pairs without the digits of synthetic data."""

    id: str
    names: tuple[tuple[tuple[str, ...], str], ...]
    birth_date: date | None
    phones: tuple[str, ...] = ()
    resource: JsonObject = field(default_factory=dict, compare=False, repr=False)

    @property
    def reference(self) -> str:
        return f"Patient/{self.id}"


@dataclass(frozen=True, slots=True)
class AppointmentRecord:
    """An appointment, its times in the practice's time zone; ``slots`` are references."""

    id: str
    start: datetime
    end: datetime
    status: str
    practitioner: str = ""
    practitioner_name: str = ""
    description: str = ""
    slots: tuple[str, ...] = ()
    version: str = ""
    resource: JsonObject = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class SlotRecord:
    """A free slot, its times in the practice's time zone."""

    id: str
    start: datetime
    end: datetime
    practitioner: str = ""
    practitioner_name: str = ""
    location: str = ""
    location_name: str = ""
    version: str = ""
    resource: JsonObject = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class CoverageRecord:
    """A coverage: payer as named, member id."""

    id: str
    payer: str
    member: str = ""
    status: str = "active"


@dataclass(frozen=True, slots=True, order=True)
class Opening:
    """Open on a day of the week (Monday is 0), from and to in minutes since midnight."""

    day: int
    begins: int
    ends: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where the practice is: what anybody may be told of it; each may be empty."""

    name: str
    openings: tuple[Opening, ...] = ()
    address: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Context:
    """What is known of one patient when the call is answered."""

    patient: str
    appointments: tuple[AppointmentRecord, ...] = ()
    coverages: tuple[CoverageRecord, ...] = ()
    encounters: tuple[str, ...] = ()
    practitioners: tuple[tuple[str, str], ...] = ()
    """Those lately seen: (reference, name), the latest first."""
