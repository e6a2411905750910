"""FHIR resources as the records brains work with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, tzinfo

from agent.records import AppointmentRecord, CoverageRecord, PatientRecord, SlotRecord
from agent.tools.client import version_of
from fhirserver.kernel.instants import parse_instant
from fhirserver.kernel.json import Json, JsonObject
from fhirserver.world.spoken.names import bare_name


def patient_record(resource: JsonObject) -> PatientRecord:
    """A Patient; a birth date that is not whole counts as none."""
    names = tuple(
        (tuple(bare_name(g) for g in name.get("given", ())), bare_name(name.get("family", "")))
        for name in resource.get("name", ())
        if name.get("family") and name.get("given")
    )
    phones = tuple(
        t["value"] for t in resource.get("telecom", ()) if t.get("system") == "phone" and t.get("value")
    )
    return PatientRecord(
        str(resource.get("id", "")), names, _day(resource.get("birthDate")), phones, resource
    )


def _day(text: Json) -> date | None:
    try:
        return date.fromisoformat(text) if isinstance(text, str) and len(text) == 10 else None
    except ValueError:
        return None


def moment(text: Json, zone: tzinfo) -> datetime | None:
    """An instant in the practice's time zone, or None where it is not one."""
    try:
        return parse_instant(str(text)).astimezone(zone)
    except ValueError:
        return None


def actor_of(resource: JsonObject, type: str) -> tuple[str, str]:
    """Reference and name of the first participant of a type; empty where there is none."""
    for participant in resource.get("participant", ()):
        actor = participant.get("actor") or participant.get("individual") or {}
        if str(actor.get("reference", "")).startswith(f"{type}/"):
            return actor["reference"], bare_name(actor.get("display", ""))
    return "", ""


def appointment_record(resource: JsonObject, zone: tzinfo) -> AppointmentRecord | None:
    """An Appointment with both its times, else None."""
    start, end = moment(resource.get("start"), zone), moment(resource.get("end"), zone)
    if start is None:
        return None
    reference, name = actor_of(resource, "Practitioner")
    return AppointmentRecord(
        id=str(resource.get("id", "")),
        start=start,
        end=end or start,
        status=str(resource.get("status", "")),
        practitioner=reference,
        practitioner_name=spoken_name(name),
        description=str(resource.get("description", "")),
        slots=tuple(s["reference"] for s in resource.get("slot", ()) if s.get("reference")),
        version=version_of(resource),
        resource=resource,
    )


def spoken_name(name: str) -> str:
    """``Dr. Ada Lane`` → ``Doctor Ada Lane``."""
    for short in ("Dr. ", "Dr "):
        if name.startswith(short):
            return "Doctor " + name.removeprefix(short)
    return name


def coverage_record(resource: JsonObject) -> CoverageRecord:
    """A Coverage with its payer's name."""
    payor: JsonObject = next(iter(resource.get("payor", ())), {})
    return CoverageRecord(
        str(resource.get("id", "")),
        bare_name(payor.get("display", "")),
        str(resource.get("subscriberId", "")),
        str(resource.get("status", "")),
    )


def slot_record(resource: JsonObject, schedules: Mapping[str, JsonObject], zone: tzinfo) -> SlotRecord | None:
    """A free Slot with the actors of its Schedule, else None."""
    start, end = moment(resource.get("start"), zone), moment(resource.get("end"), zone)
    if start is None or end is None or resource.get("status") != "free":
        return None
    schedule = schedules.get(str(resource.get("schedule", {}).get("reference", "")), {})
    who, where = schedule_actor(schedule, "Practitioner"), schedule_actor(schedule, "Location")
    return SlotRecord(
        id=str(resource.get("id", "")),
        start=start,
        end=end,
        practitioner=who[0],
        practitioner_name=spoken_name(who[1]),
        location=where[0],
        location_name=where[1],
        version=version_of(resource),
        resource=resource,
    )


def schedule_actor(schedule: JsonObject, type: str) -> tuple[str, str]:
    """Reference and name of the schedule's actor of a type."""
    for actor in schedule.get("actor", ()):
        if str(actor.get("reference", "")).startswith(f"{type}/"):
            return actor["reference"], bare_name(actor.get("display", ""))
    return "", ""


def phone_spellings(phone: str) -> list[str]:
    """The ways a ten-digit number is written on records, for an exact token search."""
    digits = "".join(c for c in phone if c.isdigit())
    ten = digits[1:] if len(digits) == 11 and digits.startswith("1") else digits
    if len(ten) != 10:
        return [phone]
    a, b, c = ten[:3], ten[3:6], ten[6:]
    return [
        f"+1{ten}", ten, f"1{ten}", f"{a}-{b}-{c}", f"({a}) {b}-{c}", f"({a}){b}-{c}", f"+1 {a}-{b}-{c}",
        f"+1-{a}-{b}-{c}", f"1-{a}-{b}-{c}", f"{a}.{b}.{c}", f"{a} {b} {c}", f"+1 ({a}) {b}-{c}",
        f"+1 {a} {b} {c}",
    ]  # fmt: skip
