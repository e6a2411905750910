"""The contacts with a patient as Communications: numbered without gaps, so that two can never be made at once.

The Communication of contact ``n`` is created only if there is none under that number (conditional create). Whoever
loses looks at the patient again: every decision rests on all contacts before it, over all campaigns.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from agent.communication import CALL_OUT, CHANNEL, CONTACT, MEDIUM, OUTCOME, coded
from fhirserver.kernel.instants import parse_instant
from fhirserver.kernel.json import JsonObject

OPEN = frozenset({"preparation", "in-progress"})
FINAL = frozenset({"done", "reached", "transferred", "declined", "opted-out", "not-needed"})
"""Outcomes after which the outreach is over."""
MACHINE = frozenset({"voicemail", "voicemail-left", "fax"})
SKIPPED = "skipped"
"""The outcome of what could not be made by its channel, and will not be: the next channel is tried. No contact."""
UNMADE = "not-placed"
"""The outcome of what certainly never reached anybody: it does not count as a contact."""


@dataclass(frozen=True, slots=True)
class Contact:
    """One attempt to reach a patient, or (``number`` 0) what the patient said in answer to one.

    ``name`` is the attempt's, ``to`` the patient's number, ``request`` the CommunicationRequest it was for (empty for
    an operator's call), ``outcome`` a code of outreach-outcome, empty while it is open, ``words`` those of a message,
    without its link, ``why`` the outcome's reason in words.
    """

    reference: str
    name: str
    number: int
    channel: str
    to: str
    sent: datetime
    status: str
    outcome: str = ""
    request: str = ""
    claim: str = ""
    words: str = ""
    why: str = ""

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def counts(self) -> bool:
        """Whether it counts against limits: it was made, or nobody knows whether it was."""
        return (
            bool(self.name)
            and self.outcome not in (UNMADE, SKIPPED, "not-needed")
            and self.status != "entered-in-error"
        )


def contact(resource: JsonObject) -> Contact | None:
    """A Communication as a contact; None for one that is neither outreach nor an answer to it."""
    names = {i.get("system"): str(i.get("value", "")) for i in resource.get("identifier", ())}
    based = (str(one.get("reference", "")) for one in resource.get("basedOn", ()))
    request = next((one for one in based if one.startswith("CommunicationRequest/")), "")
    if not names.get(CALL_OUT) and not request:
        return None
    ordinal = names.get(CONTACT, "").rpartition(".")[2]
    ours = bool(names.get(CALL_OUT))
    to: JsonObject = next(iter(resource.get("recipient", ())), {}) if ours else resource.get("sender", {})
    return Contact(
        f"Communication/{resource.get('id', '')}",
        names.get(CALL_OUT, ""),
        int(ordinal) if ordinal.isdigit() else 0,
        coded(resource.get("category", ()), CHANNEL) or _by_medium(resource),
        str(to.get("display", "")),
        parse_instant(str(resource.get("sent") or "1970-01-01T00:00:00Z")),
        str(resource.get("status", "")),
        _outcome(resource),
        request,
        names.get(CLAIM, ""),
        next((str(one.get("contentString", "")) for one in resource.get("payload", ())), ""),
        str(resource.get("statusReason", {}).get("text", "")),
    )


CLAIM = "https://credence.health/fhir/sid/outreach-claim"
"""The system of the names by which a claim is known again when the answer to it was lost."""
_UNREACHED = {"busy": "busy", "no-answer": "no-answer", "nobody answered": "no-answer", "not placed": UNMADE}


_MEDIA = {"SMSWRIT": "sms", "WRITTEN": "chat", "ONLINEWRIT": "chat"}
"""By which channel an answer came that says none."""


def _by_medium(resource: JsonObject) -> str:
    return _MEDIA.get(coded(resource.get("medium", ()), MEDIUM), "call")


def _outcome(resource: JsonObject) -> str:
    reason = resource.get("statusReason", {})
    if stated := coded([reason], OUTCOME):
        return stated
    if resource.get("status") == "not-done":
        return _UNREACHED.get(str(reason.get("text", "")), "failed")
    return "ended" if resource.get("status") == "completed" else ""


def contacts(resources: Iterable[JsonObject]) -> tuple[Contact, ...]:
    """Those among Communications, the latest first."""
    found = [one for resource in resources if (one := contact(resource)) is not None]
    return tuple(sorted(found, key=lambda one: one.sent, reverse=True))


def next_number(all: Iterable[Contact]) -> int:
    return max((one.number for one in all), default=0) + 1
