"""Who wants no calls or no messages, as Flags (https://hl7.org/fhir/R4/flag.html): of a patient, or of a number.

A person who says STOP speaks for the number they write from, whoever's record it is on; so both are flagged.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from agent.tools.provenance import CANONICAL
from fhirserver.kernel.instants import instant
from fhirserver.kernel.json import JsonObject

PREFERENCE = f"{CANONICAL}/CodeSystem/contact-preference"
BARRED = f"{CANONICAL}/sid/barred-number"
"""The system of ``sms:+15555550100``: nothing of that kind to that number."""
_CODES = {"call": "do-not-call", "sms": "do-not-text"}
_ALL = "do-not-contact"
_CATEGORY = "http://terminology.hl7.org/CodeSystem/flag-category"
_WORDS = {
    "do-not-call": "Wants no calls",
    "do-not-text": "Wants no messages",
    _ALL: "Wants not to be contacted",
}
NUMBER_CODE = "number-barred"


def barred(flags: Iterable[JsonObject], channel: str, number: str) -> str:
    """Why nothing may go out by a channel: ``opted out``, ``number opted out``, or empty."""
    active = [flag for flag in flags if flag.get("status") == "active"]
    codes = {
        c.get("code")
        for f in active
        for c in f.get("code", {}).get("coding", ())
        if c.get("system") == PREFERENCE
    }
    if codes & {_ALL, _CODES.get(medium_of(channel), "")}:
        return "opted out"
    names = {i.get("value") for f in active for i in f.get("identifier", ()) if i.get("system") == BARRED}
    return "number opted out" if number and barred_name(channel, number) in names else ""


def medium_of(channel: str) -> str:
    """A link to a form goes by text message."""
    return "sms" if channel == "form" else channel


def barred_name(channel: str, number: str) -> str:
    return f"{medium_of(channel)}:{number}"


def opt_out(
    patient: str, number: str, channels: Iterable[str], author: JsonObject, at: datetime, whole: bool = True
) -> JsonObject:
    """The Flag; its identifiers make the same wish again no second one. ``whole``: the patient wants it, whatever
    the number; else only the number is barred."""
    named = sorted({medium_of(channel) for channel in channels})
    code = NUMBER_CODE if not whole else _CODES[named[0]] if len(named) == 1 else _ALL
    made: JsonObject = {
        "resourceType": "Flag",
        "status": "active",
        "category": [{"coding": [{"system": _CATEGORY, "code": "contact"}]}],
        "code": {
            "coding": [{"system": PREFERENCE, "code": code}],
            "text": _WORDS.get(code, "Nothing to this number"),
        },
        "subject": {"reference": patient},
        "period": {"start": instant(at)},
        "author": author,
    }
    made["identifier"] = [
        {"system": BARRED, "value": barred_name(channel, number or patient)} for channel in named
    ]
    return made
