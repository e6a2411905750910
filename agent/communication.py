"""The Communication of a call (https://hl7.org/fhir/R4/communication.html): who called whom, and what became of it."""

from __future__ import annotations

from datetime import datetime

from agent.errand import Errand
from agent.tools.provenance import Speaker
from fhirserver.kernel.instants import instant
from fhirserver.kernel.json import JsonObject

CALL_OUT = "https://credence.health/fhir/sid/call-out"
"""The system of the names under which calls out are ordered."""
_CATEGORY = "http://terminology.hl7.org/CodeSystem/communication-category"
_MEDIUM = "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode"
_NOT_DONE = "http://terminology.hl7.org/CodeSystem/communication-not-done-reason"
_REASONS = {
    "busy": "recipient-unavailable",
    "no-answer": "recipient-unavailable",
    "nobody answered": "recipient-unavailable",
    "canceled": "unknown",
}
"""HL7's codes for why nothing was said; what is not here is trouble of the network or of ours."""
_PURPOSES = {
    "confirm": "Confirm an appointment",
    "reschedule": "Move an appointment",
    "insurance": "Ask for new insurance",
    "call_back": "Call back",
}


def communication(title: str, medium: str, at: datetime) -> JsonObject:
    """What all calls have in common. ``medium`` is PHONE or WRITTEN."""
    return {
        "resourceType": "Communication",
        "status": "in-progress",
        "category": [{"coding": [{"system": _CATEGORY, "code": "notification"}], "text": title}],
        "medium": [{"coding": [{"system": _MEDIUM, "code": medium}]}],
        "sent": instant(at),
        "received": instant(at),
    }


def called_out(
    errand: Errand, number: str, speaker: Speaker, at: datetime, medium: str = "PHONE"
) -> JsonObject:
    """A call out; with the id of the Communication that was made for its order, where there is one."""
    made = communication("Outbound call", medium, at) | {
        "sender": speaker.reference(),
        "topic": {"text": _PURPOSES[errand.purpose]},
    }
    if errand.patient:
        made |= {"subject": {"reference": errand.patient}}
        made |= {"recipient": [{"reference": errand.patient} | ({"display": number} if number else {})]}
    if errand.id:
        made["identifier"] = [{"system": CALL_OUT, "value": errand.id}]
    if errand.communication:
        made["id"] = errand.communication.removeprefix("Communication/")
    return made


def ordered(errand: Errand, number: str, speaker: Speaker, at: datetime) -> JsonObject:
    """The Communication of a call that is about to be placed."""
    made = called_out(errand, number, speaker, at)
    del made["received"]
    return made | {"status": "preparation"}


def not_reached(why: str) -> JsonObject:
    """The members that say that nobody was reached; ``why`` is Twilio's CallStatus or a reason of ours."""
    code = _REASONS.get(why, "system-error")
    return {
        "status": "not-done",
        "statusReason": {"coding": [{"system": _NOT_DONE, "code": code}], "text": why},
    }


def outcome_of_call_out(outcome: str) -> JsonObject:
    """The members that say what became of a call out that was answered."""
    return {"statusReason": {"text": outcome}}
