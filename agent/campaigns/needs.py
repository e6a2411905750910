"""Whether what is to be said still has to be said. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from fhirserver.kernel.instants import comparable, instant
from fhirserver.kernel.json import JsonObject

_TO_COME = frozenset({"booked", "pending", "proposed", "waitlist"})


def not_needed(
    need: str, patient: str, about: Sequence[JsonObject], upcoming: Sequence[JsonObject], now: datetime
) -> str:
    """Why it is needed no more, empty where it is. ``need`` is that of the campaign."""
    if need == "not-rebooked":
        booked = any(to_come(one, now) for one in upcoming)
        return "the patient has an appointment to come" if booked else ""
    appointments = [one for one in about if one.get("resourceType") == "Appointment"]
    if need not in ("unconfirmed", "upcoming") or not appointments:
        return ""
    open = [one for one in appointments if to_come(one, now)]
    if not open:
        cancelled = all(one.get("status") in ("cancelled", "entered-in-error") for one in appointments)
        return "the appointment was cancelled or moved" if cancelled else "the appointment is past"
    if need == "unconfirmed" and all(_accepted(one, patient) for one in open):
        return "the appointment is confirmed"
    return ""


def to_come(appointment: JsonObject, now: datetime) -> bool:
    start = str(appointment.get("start", ""))
    return appointment.get("status") in _TO_COME and bool(start) and comparable(start) > instant(now)


def _accepted(appointment: JsonObject, patient: str) -> bool:
    return any(
        participant.get("status") == "accepted"
        for participant in appointment.get("participant", ())
        if str(participant.get("actor", {}).get("reference", "")).startswith(patient)
    )
