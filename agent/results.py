"""What tools answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from agent.errand import Errand
from agent.llm.requests import ModelAnswer
from agent.records import Context, PatientRecord, Place, SlotRecord


@dataclass(frozen=True, slots=True)
class PatientsFound:
    """The patients that matched, none left out."""

    patients: tuple[PatientRecord, ...]


@dataclass(frozen=True, slots=True)
class ContextLoaded:
    """What is known of one patient."""

    context: Context


@dataclass(frozen=True, slots=True)
class SlotsFound:
    """Free slots in order of start."""

    slots: tuple[SlotRecord, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """The world holds what was asked for; ``held`` names elements another source's word still wins."""

    reference: str
    held: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Taken:
    """Somebody else changed the thing first (409, 412): nothing was written."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The tool could not do it; ``reason`` names no patient data. Nothing is known to have been written."""

    reason: str


@dataclass(frozen=True, slots=True)
class ErrandsFound:
    """What they were contacted about, the latest first; nothing where there is nothing open."""

    errands: tuple[Errand, ...]


@dataclass(frozen=True, slots=True)
class PracticeFound:
    """The practice's places; none where nothing is known of any."""

    places: tuple[Place, ...]


Result: TypeAlias = (
    PatientsFound
    | PracticeFound
    | ErrandsFound
    | ContextLoaded
    | SlotsFound
    | Written
    | Taken
    | Failed
    | ModelAnswer
)
