"""What an event means where HL7's maps leave it open: statuses of visits and appointments.

HL7 table 0003; the concept map Event[EncounterStatus] covers A01–A13 in part, and is kept where it speaks.
https://www.hl7.eu/HL7v2x/v251/std251/ch03.html, https://www.hl7.eu/HL7v2x/v251/std251/ch10.html
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

ENCOUNTER: dict[str, str] = {
    "A01": "in-progress", "A02": "in-progress", "A03": "finished", "A04": "planned", "A05": "planned",
    "A06": "in-progress", "A07": "in-progress", "A09": "in-progress", "A10": "in-progress", "A11": "cancelled",
    "A12": "in-progress", "A13": "in-progress", "A14": "planned", "A15": "in-progress", "A16": "in-progress",
    "A20": "in-progress", "A21": "onleave", "A22": "in-progress", "A23": "entered-in-error", "A25": "in-progress",
    "A26": "in-progress", "A27": "cancelled", "A32": "in-progress", "A33": "in-progress", "A38": "cancelled",
    "A52": "in-progress", "A53": "onleave",
}  # fmt: skip
"""A08, A28, A31 and the like say nothing of the visit's state: there PV1 speaks."""

OVER_DISCHARGE = frozenset({"A03", "A11", "A13", "A23", "A27", "A38"})
"""Events whose status holds whatever PV1-45 says; else a discharge date makes a visit finished."""

UNDONE_END = frozenset({"A13"})
"""The discharge is cancelled: the visit has no end."""

APPOINTMENT: dict[str, str] = {
    "S12": "booked", "S13": "booked", "S14": "booked", "S15": "cancelled", "S16": "cancelled",
    "S17": "entered-in-error", "S18": "booked", "S19": "booked", "S20": "booked", "S21": "booked",
    "S22": "booked", "S24": "booked", "S26": "noshow", "S27": "booked",
}  # fmt: skip
OVER_FILLER_STATUS = frozenset({"S15", "S16", "S17", "S26"})
"""Events whose status holds whatever SCH-25 says."""

PARTICIPATION: dict[str, str] = {
    "proposed": "needs-action", "pending": "needs-action", "waitlist": "tentative", "cancelled": "declined",
    "entered-in-error": "declined",
}  # fmt: skip
"""Appointment.participant.status where the message has none: of every other appointment, accepted."""


def encounter(event: str, content: Json) -> str:
    """Set the status that the event means; its name, or empty where it means none."""
    status = ENCOUNTER.get(event, "")
    finished = content.get("status") == "finished" and event not in OVER_DISCHARGE
    if not status or finished:
        return ""
    content["status"] = status
    if event in UNDONE_END and isinstance(period := content.get("period"), dict):
        period.pop("end", None)
        if not period:
            del content["period"]
    return event


def appointment(event: str, content: Json) -> str:
    """As :func:`encounter`, and a status for every participant."""
    status = APPOINTMENT.get(event, "")
    set_by = ""
    if status and ("status" not in content or event in OVER_FILLER_STATUS):
        content["status"] = status
        set_by = event
    content.setdefault("status", "proposed")
    for participant in content.get("participant", ()):
        participant.setdefault("status", PARTICIPATION.get(content["status"], "accepted"))
    return set_by


RELATION: dict[str, str] = {
    "T05": "appends", "T06": "appends", "T07": "replaces", "T08": "replaces", "T09": "replaces", "T10": "replaces",
}  # fmt: skip
"""How a document relates to its parent (TXA-13), by the event: addendum, edit, replacement."""


def document(event: str, content: Json) -> str:
    """As :func:`encounter`: the relation to the parent document; T11 cancels."""
    for relation in content.get("relatesTo", ()):
        relation.setdefault("code", RELATION.get(event, "appends"))
    if event == "T11":
        content["status"] = "entered-in-error"
        return event
    return ""
