"""Forms that ask patients for what is missing: found, made, sent, and how far they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from fhirserver.kernel.json import JsonObject

FORMS_OFF: Final = "forms-off"
NOTHING_MISSING, ASKED_LATELY, ENOUGH_FORMS = "nothing-missing", "asked-lately", "enough-forms"
NOT_OPEN, NO_TELEPHONE, NO_NUMBER, NOT_SENT = "form-not-open", "no-telephone", "no-number", "message-not-sent"
"""What tells one refusal of forms from another (``Refusal.problem``, the end of a problem's ``type``): there are no
forms here; all is known, all that is missing was asked for lately, there were enough forms this month; the form is not
open any more; a message cannot be sent from here, not to this patient, or the carrier did not deliver it."""


@dataclass(frozen=True, slots=True)
class FormOrder:
    """``patient`` is a reference (``Patient/…``); ``requirements`` the id of a requirement set; ``purpose`` why it is
    asked, in a word; ``id`` the name of this one order (the same again makes nothing; empty: a new one each time);
    ``about`` what it is for, such as an Appointment; ``subjects`` narrow the set, empty: all of it."""

    patient: str
    requirements: str
    purpose: str
    id: str = ""
    about: str = ""
    subjects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MissingSubject:
    """``why``: ``missing``, ``unverified``, ``expired``, ``old``; ``confidence`` of what is known, else empty."""

    subject: str
    why: str
    confidence: str = ""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that is missing and not asked for now, and why not."""

    subject: str
    why: str


@dataclass(frozen=True, slots=True)
class ScanResult:
    """What a patient would be asked, and what not although it is missing."""

    patient: str
    requirements: str
    ask: tuple[MissingSubject, ...]
    left_out: tuple[LeftOut, ...] = ()


@dataclass(frozen=True, slots=True)
class FormState:
    """How far a form is. ``status``: ``ready`` (made), ``sent``, ``in-progress``, ``completed``, ``revoked``,
    ``expired``, ``locked``, ``nothing-missing``. References are those of FHIR resources; ``response`` is empty before
    the form is completed."""

    id: str
    status: str
    patient: str
    purpose: str
    requirements: str
    subjects: tuple[str, ...]
    made: str
    until: str
    task: str
    questionnaire: str
    response: str = ""
    repeated: bool = False


class Forms(Protocol):
    """Everything raises :class:`~fhirserver.kernel.outcomes.Refusal` for what is not there or cannot be done."""

    async def requirement_sets(self) -> Sequence[JsonObject]:
        """Every requirement set: its document, with ``id`` and ``shipped``."""
        ...

    def check_requirements(self, id: str, document: JsonObject) -> None:
        """Refuses (422, with the place) a document that is no requirement set."""
        ...

    async def scan(self, patient: str, requirements: str) -> ScanResult:
        """What is missing of a patient, and why."""
        ...

    async def preview(self, patient: str, requirements: str) -> JsonObject:
        """The Questionnaire that they would get. Nothing is kept."""
        ...

    async def make(self, order: FormOrder, by: str) -> FormState:
        """Make a form for what is missing. Refuses (409) where nothing is to be asked."""
        ...

    async def send(self, id: str, by: str) -> FormState:
        """Send the link as a text message; at most once for each form."""
        ...

    async def link(self, id: str) -> str:
        """The address of the form's page, for whoever hands it on. Refuses (409) where it is not open."""
        ...

    async def revoke(self, id: str, by: str, reason: str) -> FormState:
        """Take a form back: its link is good for nothing from now on."""
        ...

    async def state(self, id: str) -> FormState: ...

    async def list(
        self, patient: str = "", status: str = "", after: str = "", limit: int = 50
    ) -> Sequence[FormState]:
        """The newest first, those behind the form ``after``."""
        ...
