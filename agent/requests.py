"""What the agent can ask the world to do: the tools, the same for every brain."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeAlias

from agent.cards.saying import NOTHING, Further
from agent.llm.requests import AskModel
from fhirserver.world.spoken.addresses import SpokenAddress

INFERRED, MENTIONED, CONFIRMED = "0.2", "0.3", "0.5"
"""The rungs of the confidence ladder an agent may stand on, as decimal texts."""


@dataclass(frozen=True, slots=True)
class Basis:
    """Why a write is believed: confidence, method (a code) and the turns that show it."""

    confidence: str
    method: str
    turns: tuple[int, ...]
    third_party: str = ""
    """Who spoke for the patient, if it was somebody else."""
    picture: str = ""
    """The reference of the picture it was read from, if it was."""
    proxy: str = ""
    """The RelatedPerson who spoke for the patient, where that is proved."""


@dataclass(frozen=True, slots=True)
class FindPatients:
    """Everyone whose record carries this phone number."""

    phone: str


@dataclass(frozen=True, slots=True)
class FindByBirthDate:
    """Everyone born on a day; the name is compared by the brain, as it sounds."""

    birth_date: date


@dataclass(frozen=True, slots=True)
class ReadPatient:
    """The record of one patient, by reference."""

    patient: str


@dataclass(frozen=True, slots=True)
class LoadContext:
    """Upcoming appointments, coverage and recent encounters of one patient."""

    patient: str


@dataclass(frozen=True, slots=True)
class SearchSlots:
    """Free slots starting in ``[first, last)``, with one practitioner or with any.

    ``patient``: whom they are for, where that is known; ``moves``: the id of the appointment they would take the place
    of. Both are of account only to scheduling rules.
    """

    first: datetime
    last: datetime
    practitioner: str = ""
    patient: str = ""
    moves: str = ""


@dataclass(frozen=True, slots=True)
class Book:
    """Take a slot for a patient, giving up ``replaces`` in the same transaction where it is named."""

    patient: str
    slot: str
    basis: Basis
    replaces: str = ""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Cancel an appointment and free its slots; ``reason`` in the caller's words, ``code`` of HL7's list."""

    patient: str
    appointment: str
    reason: str
    code: str
    basis: Basis


@dataclass(frozen=True, slots=True)
class Confirm:
    """The patient will be there."""

    patient: str
    appointment: str
    basis: Basis


@dataclass(frozen=True, slots=True)
class AddCoverage:
    """A new coverage as the caller gave it; ``group`` may be empty, and so may all that only a card tells."""

    patient: str
    payer: str
    member: str
    group: str
    basis: Basis
    further: Further = NOTHING


@dataclass(frozen=True, slots=True)
class ChangePhone:
    """A phone number (E.164); ``use`` is mobile, home or work; ``adds`` leaves the others alone."""

    patient: str
    number: str
    use: str
    basis: Basis
    adds: bool = False


@dataclass(frozen=True, slots=True)
class ChangeAddress:
    """A new home address."""

    patient: str
    address: SpokenAddress
    basis: Basis


@dataclass(frozen=True, slots=True)
class ClaimAnswer:
    """An answer to a question of the practice's own, as an extension of the patient: ``name`` is the member of the
    extension that holds it (``valueString``)."""

    patient: str
    url: str
    name: str
    value: str | int | bool
    basis: Basis


@dataclass(frozen=True, slots=True)
class ReadPractice:
    """What the practice tells anybody of itself; ``name`` is what it is called."""

    name: str


@dataclass(frozen=True, slots=True)
class FindErrands:
    """What somebody at this number was lately contacted about; ``patients`` are those it may be (references)."""

    phone: str
    patients: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OptOut:
    """No more of ``channels`` (``call``, ``sms``) to this number; where ``whole``, to these patients at any."""

    patients: tuple[str, ...]
    number: str
    channels: tuple[str, ...]
    whole: bool
    basis: Basis


Request: TypeAlias = (
    FindPatients
    | FindByBirthDate
    | ReadPatient
    | LoadContext
    | SearchSlots
    | Book
    | Cancel
    | Confirm
    | AddCoverage
    | ChangePhone
    | ChangeAddress
    | ClaimAnswer
    | ReadPractice
    | FindErrands
    | OptOut
    | AskModel
)
