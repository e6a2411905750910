"""The Communication of a call (https://hl7.org/fhir/R4/communication.html): who called whom, and what became of it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from agent.errand import Errand
from agent.tools.provenance import Speaker
from fhirserver.kernel.instants import instant
from fhirserver.kernel.json import JsonObject

CALL_OUT = "https://credence.health/fhir/sid/call-out"
"""The system of the names under which calls and messages out are ordered."""
CARRIED = "https://credence.health/fhir/sid/carried"
"""The system of the carrier's names of calls and conversations that came in, and of messages that went out (Twilio's
CallSid, MessageSid)."""
CONTACT = "https://credence.health/fhir/sid/outreach-contact"
"""The system of the numbers of contacts with one patient: ``<patient>.<n>``."""
CHANNEL = "https://credence.health/fhir/CodeSystem/contact-channel"
PURPOSE = "https://credence.health/fhir/CodeSystem/outreach-purpose"
OUTCOME = "https://credence.health/fhir/CodeSystem/outreach-outcome"
_LINK = re.compile(r"https?://\S+|\{link\}")
_CATEGORY = "http://terminology.hl7.org/CodeSystem/communication-category"
MEDIUM = "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode"
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
    "follow_up": "Follow up after a visit",
    "rebook": "Book a missed appointment anew",
    "missing": "Ask for what is missing",
    "custom": "Outreach",
    "form": "Send a form",
}
_TITLES = {"call": "Outbound call", "sms": "Text message", "chat": "Chat message", "form": "Link to a form"}
_MEDIA = {"call": "PHONE", "sms": "SMSWRIT", "chat": "ONLINEWRIT", "form": "WRITTEN"}


def coded(concepts: Iterable[JsonObject], system: str) -> str:
    """The code that the first of the concepts has in a system; empty for none."""
    codings = (coding for concept in concepts for coding in concept.get("coding", ()))
    return next((str(c.get("code", "")) for c in codings if c.get("system") == system), "")


def without_links(text: str) -> str:
    """The words of a message as they are kept: a link in it is the key to what is behind it."""
    return _LINK.sub("[link]", text)


def communication(title: str, medium: str, at: datetime) -> JsonObject:
    """What all calls have in common. ``medium`` is PHONE or WRITTEN."""
    return {
        "resourceType": "Communication",
        "status": "in-progress",
        "category": [{"coding": [{"system": _CATEGORY, "code": "notification"}], "text": title}],
        "medium": [{"coding": [{"system": MEDIUM, "code": medium}]}],
        "sent": instant(at),
        "received": instant(at),
    }


def called_out(errand: Errand, number: str, speaker: Speaker, at: datetime, medium: str = "") -> JsonObject:
    """A call (or message) out, by ``medium`` where it is not the channel's own; with the id of the Communication that
    was made for its order, where there is one."""
    made = communication(_TITLES[errand.channel], medium or _MEDIA[errand.channel], at) | {
        "sender": speaker.reference(),
        "topic": {"text": _PURPOSES[errand.purpose]},
    }
    made["category"].append({"coding": [{"system": CHANNEL, "code": errand.channel}]})
    made["reasonCode"] = [{"coding": [{"system": PURPOSE, "code": errand.purpose}]}]
    if errand.patient:
        made |= {"subject": {"reference": errand.patient}}
        made |= {"recipient": [{"reference": errand.patient} | ({"display": number} if number else {})]}
    if errand.id:
        made["identifier"] = [{"system": CALL_OUT, "value": errand.id}]
    if errand.contact:
        made.setdefault("identifier", []).append({"system": CONTACT, "value": errand.contact})
    made |= answering(errand)
    if errand.communication:
        made["id"] = errand.communication.removeprefix("Communication/")
    return made


def answering(errand: Errand) -> JsonObject:
    """The members that bind a Communication to what a campaign asked for."""
    based = [{"reference": one} for one in (errand.request, errand.run) if one]
    about = [{"reference": one} for one in errand.about]
    return ({"basedOn": based} if based else {}) | ({"about": about} if about else {})


def ordered(errand: Errand, number: str, speaker: Speaker, at: datetime, words: str = "") -> JsonObject:
    """The Communication of a call, or of a message with these words, that is about to go out."""
    made = called_out(errand, number, speaker, at)
    del made["received"]
    if words:
        made["payload"] = [{"contentString": without_links(words)}]
    return made | {"status": "preparation"}


def not_reached(why: str) -> JsonObject:
    """The members that say that nobody was reached; ``why`` is Twilio's CallStatus or a reason of ours."""
    code = _REASONS.get(why, "system-error")
    return {
        "status": "not-done",
        "statusReason": {"coding": [{"system": _NOT_DONE, "code": code}], "text": why},
    }


def outcome_of_call_out(outcome: str, code: str = "") -> JsonObject:
    """The members that say what became of a call out that was answered; ``code`` is of outreach-outcome."""
    coding = {"coding": [{"system": OUTCOME, "code": code}]} if code else {}
    return {"statusReason": {**coding, "text": outcome}}
