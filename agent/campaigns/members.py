"""What is to happen with one patient of a run, as a CommunicationRequest
(https://hl7.org/fhir/R4/communicationrequest.html).

``active`` while it is under way, ``occurrenceDateTime`` is when it is looked at next, ``completed`` or ``revoked`` with
an outcome (a category) and a reason in words.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from agent.communication import OUTCOME, PURPOSE, coded
from agent.tools.client import version_of
from agent.tools.provenance import CANONICAL
from fhirserver.kernel.instants import instant, parse_instant
from fhirserver.kernel.json import JsonObject

CAMPAIGN = f"{CANONICAL}/sid/campaign"
"""The system of the ids of campaigns, in categories and identifiers."""
MEMBER = f"{CANONICAL}/sid/campaign-member"
DUE = f"{CANONICAL}/StructureDefinition/outreach-due"
"""When it was due first: from then on it is good for so many hours."""
WAITING = "waiting"
"""What a member is that has no outcome yet."""
LEFT_OUT = (
    "no-consent",
    "opted-out",
    "deceased",
    "inactive",
    "no-record",
    "no-number",
    "not-needed",
    "outside-dates",
)
"""Outcomes of those whom nobody tried to reach."""


@dataclass(frozen=True, slots=True)
class Member:
    """A CommunicationRequest as the engine sees it."""

    reference: str
    key: str
    patient: str
    run: str
    status: str
    next: datetime
    due: datetime
    about: tuple[str, ...] = ()
    outcome: str = ""
    why: str = ""
    version: str = ""
    resource: JsonObject | None = None


def member_key(campaign: str, run: str, patient: str, about: Iterable[str]) -> str:
    """The name of a patient's place in a campaign: one for each matter (an appointment), else one for each run."""
    matter = " ".join(sorted(about)) or run
    return hashlib.sha256(f"{campaign}|{patient}|{matter}".encode()).hexdigest()[:40]


def new_member(
    campaign: str, run: str, purpose: str, patient: str, about: Iterable[str], due: datetime, now: datetime
) -> JsonObject:
    """``run`` is the reference of the Task."""
    about = tuple(about)
    made: JsonObject = {
        "resourceType": "CommunicationRequest",
        "extension": [{"url": DUE, "valueDateTime": instant(due)}],
        "identifier": [{"system": MEMBER, "value": member_key(campaign, run, patient, about)}],
        "basedOn": [{"reference": run}],
        "status": "active",
        "category": [{"coding": [{"system": CAMPAIGN, "code": campaign}]}],
        "priority": "routine",
        "subject": {"reference": patient},
        "recipient": [{"reference": patient}],
        "reasonCode": [{"coding": [{"system": PURPOSE, "code": purpose}]}],
        "occurrenceDateTime": instant(due),
        "authoredOn": instant(now),
    }
    if about:
        made["about"] = [{"reference": one} for one in about]
    return made


def member(resource: JsonObject) -> Member:
    """Raises KeyError or ValueError for a CommunicationRequest that no campaign made."""
    key = next(i["value"] for i in resource.get("identifier", ()) if i.get("system") == MEMBER)
    due = next((e["valueDateTime"] for e in resource.get("extension", ()) if e.get("url") == DUE), None)
    following = parse_instant(resource["occurrenceDateTime"])
    based = (str(one.get("reference", "")) for one in resource.get("basedOn", ()))
    return Member(
        f"CommunicationRequest/{resource['id']}",
        key,
        resource["subject"]["reference"],
        next((one for one in based if one.startswith("Task/")), ""),
        resource["status"],
        following,
        parse_instant(due) if due else following,
        tuple(one["reference"] for one in resource.get("about", ()) if one.get("reference")),
        coded(resource.get("category", ()), OUTCOME),
        str(resource.get("statusReason", {}).get("text", "")),
        version_of(resource),
        resource,
    )


def readable(resource: JsonObject) -> Member | None:
    """The same; None for one that no campaign made, or that somebody has made unreadable."""
    try:
        return member(resource)
    except (KeyError, ValueError, StopIteration):
        return None


def later(one: Member, at: datetime, why: str) -> JsonObject:
    """It is looked at again then, and why not before."""
    return _bare(one) | {"occurrenceDateTime": instant(at), "statusReason": {"text": why}}


def over(one: Member, status: str, outcome: str, why: str) -> JsonObject:
    """``status`` is ``completed`` or ``revoked``."""
    made = _bare(one) | {"status": status, "statusReason": {"text": why}}
    kept = [c for c in made.get("category", ()) if not coded([c], OUTCOME)]
    return made | {"category": [*kept, {"coding": [{"system": OUTCOME, "code": outcome}]}]}


def _bare(one: Member) -> JsonObject:
    return {name: value for name, value in (one.resource or {}).items() if name not in ("meta", "text")}
