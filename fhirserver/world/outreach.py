"""How campaigns appear in FHIR: what marks a campaign, a run, a member and a contact (docs/campaigns.md)."""

from __future__ import annotations

from collections.abc import Iterable

from fhirserver.kernel.json import JsonObject
from fhirserver.world.vocabulary import BASE, TASK_CODE

CAMPAIGN = f"{BASE}/sid/campaign"
"""The system of the ids of campaigns: of a Task's group, of a CommunicationRequest's category."""
MEMBER = f"{BASE}/sid/campaign-member"
CONTACT = f"{BASE}/sid/call-out"
"""The system of the names of contacts."""
CHANNEL = f"{BASE}/CodeSystem/contact-channel"
OUTCOME = f"{BASE}/CodeSystem/outreach-outcome"
CONTROL, RUN = "campaign", "campaign-run"
"""Codes of Tasks: a campaign that was started, and one firing of it."""
REACHED = frozenset({"done", "reached", "transferred", "declined", "opted-out"})
"""Outcomes for which somebody was reached."""


def coded(concepts: Iterable[JsonObject], system: str) -> str:
    """The code that the first of the concepts has in a system; empty for none."""
    codings = (coding for concept in concepts for coding in concept.get("coding", ()))
    return next((str(c.get("code", "")) for c in codings if c.get("system") == system), "")


def named(resource: JsonObject, system: str) -> str:
    """The value of its identifier in a system; empty for none."""
    found = (str(i.get("value", "")) for i in resource.get("identifier", ()) if i.get("system") == system)
    return next(found, "")


def is_outbound(communication: JsonObject) -> bool:
    """Whether a Communication went out to a patient: it was ordered under a name, or a patient is who it is to."""
    to = (str(one.get("reference", "")) for one in communication.get("recipient", ()))
    return bool(named(communication, CONTACT)) or any(one.startswith("Patient/") for one in to)


def task_kind(task: JsonObject) -> str:
    """:data:`CONTROL`, :data:`RUN`, or empty for every other Task."""
    kind = coded([task.get("code", {})], TASK_CODE)
    return kind if kind in (CONTROL, RUN) else ""
