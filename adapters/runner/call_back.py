"""The Task that asks somebody to call a patient back whose appointment an EHR did not take. Pure.

https://hl7.org/fhir/R4/task.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from fhirserver.kernel.instants import parse_instant
from fhirserver.kernel.json import JsonObject
from fhirserver.world.vocabulary import TASK_CODE, TASK_INPUT

CALL_BACK = "call-back"
OPEN_CALL = ("requested", "accepted", "in-progress", "on-hold")
KEPT = ("proposed", "pending", "booked", "waitlist")
"""Statuses of an appointment that the patient counts on."""
_URGENT, _SOON = timedelta(hours=24), timedelta(hours=72)


@dataclass(frozen=True, slots=True)
class Offer:
    """A free slot to offer instead: its id, and its start as it is written there."""

    slot: str
    start: str


def call_back_task(appointment: JsonObject, refused: str, offers: Sequence[Offer], now: str) -> JsonObject:
    """A requested Task about an appointment.

    ``refused`` is the id of the writeback Task that failed; ``offers`` are in the order in which to offer them.
    """
    task: JsonObject = {
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "priority": _priority(str(appointment.get("start", "")), now),
        "code": {"coding": [{"system": TASK_CODE, "code": CALL_BACK, "display": "Call the patient back"}]},
        "description": "The EHR did not take this appointment: call the patient back and agree on another",
        "focus": {"reference": f"Appointment/{appointment['id']}"},
        "authoredOn": now,
        "reasonReference": {"reference": f"Task/{refused}"},
        "input": [_offer(offer) for offer in offers],
    }
    patient = patient_of(appointment)
    if patient:
        task["for"] = {"reference": patient}
    if appointment.get("start"):
        task["restriction"] = {"period": {"end": appointment["start"]}}
    return {name: value for name, value in task.items() if value}


def _offer(offer: Offer) -> JsonObject:
    type: JsonObject = {"coding": [{"system": TASK_INPUT, "code": "alternative"}]}
    return {"type": type, "valueReference": {"reference": f"Slot/{offer.slot}", "display": offer.start}}


def _priority(start: str, now: str) -> str:
    """By how much time is left to reach the patient."""
    left = until(start, now)
    if left is None:
        return "routine"
    return "asap" if left <= _URGENT else "urgent" if left <= _SOON else "routine"


def until(start: str, now: str) -> timedelta | None:
    """The time from ``now`` to an appointment's start; None where it has none."""
    begins = _instant(start)
    return begins - parse_instant(now) if begins is not None else None


def _instant(text: str) -> datetime | None:
    try:
        return parse_instant(text) if text else None
    except ValueError:
        return None


def is_counted_on(appointment: JsonObject, now: str) -> bool:
    """Whether the patient will come, as far as they know."""
    left = until(str(appointment.get("start", "")), now)
    return appointment.get("status") in KEPT and (left is None or left > timedelta(0))


def patient_of(appointment: JsonObject) -> str:
    """The reference to the patient who has the appointment; or empty."""
    return next(iter(actors(appointment, "Patient")), "")


def actors(appointment: JsonObject, type: str) -> list[str]:
    """The references to participants of a type."""
    found = (str(one.get("actor", {}).get("reference", "")) for one in appointment.get("participant", ()))
    return [reference for reference in found if reference.startswith(f"{type}/")]


def slots_of(appointment: JsonObject) -> list[str]:
    """The ids of the slots that the appointment is in."""
    found = (str(slot.get("reference", "")) for slot in appointment.get("slot", ()))
    return [reference.partition("/")[2] for reference in found if reference.startswith("Slot/")]
