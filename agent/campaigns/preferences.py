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
        "code": _concept(code),
        "subject": {"reference": patient},
        "period": {"start": instant(at)},
        "author": author,
    }
    made["identifier"] = [_identifier(barred_name(channel, number or patient)) for channel in named]
    return made


def covers(flag: JsonObject, wish: JsonObject) -> bool:
    """Whether a Flag is active and says all that a wish says."""
    said, wanted = _code(flag), _code(wish)
    return (
        flag.get("status") == "active"
        and set(_names(wish)) <= set(_names(flag))
        and (wanted == NUMBER_CODE or said in (wanted, _ALL))
    )


def widened(flag: JsonObject, wish: JsonObject) -> JsonObject:
    """The Flag with what a wish says besides; one that was taken back says the wish alone."""
    if flag.get("status") != "active":
        return wish | {"id": flag["id"]}
    codes = {_code(flag), _code(wish)} - {NUMBER_CODE}
    code = _ALL if len(codes) > 1 else next(iter(codes), NUMBER_CODE)
    names = dict.fromkeys([*_names(flag), *_names(wish)])
    return _bare(flag) | {"code": _concept(code), "identifier": [_identifier(name) for name in names]}


def without(flag: JsonObject, name: str) -> JsonObject:
    """The Flag where a number is welcome again by one medium: what it says of others stays."""
    left = [one for one in _names(flag) if one != name]
    if not left:
        return _bare(flag) | {"status": "inactive"}
    medium = left[0].partition(":")[0]
    code = _CODES.get(medium, _ALL) if _code(flag) == _ALL and len(left) == 1 else _code(flag)
    return _bare(flag) | {"code": _concept(code), "identifier": [_identifier(one) for one in left]}


def _code(flag: JsonObject) -> str:
    codings = flag.get("code", {}).get("coding", ())
    return next((str(c.get("code")) for c in codings if c.get("system") == PREFERENCE), "")


def _names(flag: JsonObject) -> list[str]:
    return [str(i.get("value")) for i in flag.get("identifier", ()) if i.get("system") == BARRED]


def _identifier(name: str) -> JsonObject:
    return {"system": BARRED, "value": name}


def _concept(code: str) -> JsonObject:
    return {
        "coding": [{"system": PREFERENCE, "code": code}],
        "text": _WORDS.get(code, "Nothing to this number"),
    }


def _bare(flag: JsonObject) -> JsonObject:
    return {name: value for name, value in flag.items() if name not in ("meta", "text")}
