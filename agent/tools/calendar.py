"""The calendar as the agent reads it: free slots, what else is taken, and who asks; then the scheduling rules."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from agent.records import SlotRecord
from agent.requests import SearchSlots
from agent.scheduling.applying import admitted
from agent.scheduling.circumstances import Circumstances, Known, Visit, services_of
from agent.tools.client import FhirClient
from agent.tools.reading import actor_of, moment, schedule_actor, slot_record, spoken_name
from fhirserver.kernel.instants import instant
from fhirserver.kernel.json import JsonObject
from fhirserver.world.configured.scheduling_rules import SchedulingRules
from fhirserver.world.spoken.names import bare_name

_SCHEDULES_AT_ONCE = 40
_STANDS = "proposed,pending,booked,arrived,checked-in,waitlist"
"""Statuses of appointments that take time."""
_TAKEN = "busy,busy-unavailable,busy-tentative"
_SEEN = frozenset({"arrived", "fulfilled", "checked-in"})
"""Statuses of an appointment that say that the patient was there."""
_A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Calendar:
    """What was found: slots with the names of who is seen, and what the rules have to know."""

    slots: tuple[SlotRecord, ...]
    around: Circumstances


async def free_slots(
    client: FhirClient, request: SearchSlots, zone: str, rules: SchedulingRules, now: datetime
) -> tuple[SlotRecord, ...]:
    """The free slots that may be offered, in order. Raises :class:`~agent.tools.client.Unreachable`."""
    calendar = await look(client, request, zone, rules, now)
    return tuple(admitted(rules, calendar.slots, calendar.around))


async def look(
    client: FhirClient, request: SearchSlots, zone: str, rules: SchedulingRules, now: datetime
) -> Calendar:
    """The same before the rules, which read only what they ask for."""
    local = ZoneInfo(rules.zone or zone)
    found, schedules = await _free(client, request, ZoneInfo(zone))
    moved = await _moved(client, request)
    taken: Sequence[Visit] = ()
    if rules.looks_at_others and found:
        taken = await _taken(client, found, schedules, request.moves, local)
    patient = await _patient(client, request, local, now) if rules.looks_at_patient else None
    service = services_of(moved) if moved else ()
    around = Circumstances(now, local, service, patient, tuple(taken))
    return Calendar(tuple(sorted(found, key=lambda s: (s.start, s.id))), around)


async def _free(
    client: FhirClient, request: SearchSlots, zone: tzinfo
) -> tuple[list[SlotRecord], dict[str, JsonObject]]:
    params = [("actor", request.practitioner)] if request.practitioner else []
    schedules = {f"Schedule/{s['id']}": s for s in await client.search("Schedule", params)}
    usable = {ref: s for ref, s in schedules.items() if s.get("active") is not False}
    found: list[SlotRecord] = []
    for resource in await _slots(client, list(usable), "free", request.first, request.last):
        record = slot_record(resource, usable, zone)
        if record is not None:
            found.append(record)
    return await _named(client, found), schedules


async def _slots(
    client: FhirClient, schedules: Sequence[str], status: str, first: datetime, last: datetime
) -> list[JsonObject]:
    found: list[JsonObject] = []
    for i in range(0, len(schedules), _SCHEDULES_AT_ONCE):
        params = [("schedule", ",".join(schedules[i : i + _SCHEDULES_AT_ONCE])), ("status", status)]
        params += [("_count", "200"), ("start", f"ge{instant(first)}"), ("start", f"lt{instant(last)}")]
        found += await client.search("Slot", params)
    return found


async def _named(client: FhirClient, found: list[SlotRecord]) -> list[SlotRecord]:
    """Schedules without a display: read the practitioner's name once."""
    unnamed = sorted({s.practitioner for s in found if s.practitioner and not s.practitioner_name})
    read = await asyncio.gather(*(client.read(reference) for reference in unnamed))
    names = {reference: _person(resource or {}) for reference, resource in zip(unnamed, read, strict=True)}
    return [
        replace(slot, practitioner_name=names[slot.practitioner]) if slot.practitioner in names else slot
        for slot in found
    ]


def _person(resource: JsonObject) -> str:
    name: JsonObject = next(iter(resource.get("name", ())), {})
    parts = [*name.get("prefix", ())[:1], *name.get("given", ())[:1], name.get("family", "")]
    return spoken_name(bare_name(" ".join(p for p in parts if p)))


async def _moved(client: FhirClient, request: SearchSlots) -> JsonObject:
    return (await client.read(f"Appointment/{request.moves}") or {}) if request.moves else {}


async def _taken(
    client: FhirClient,
    found: Iterable[SlotRecord],
    schedules: Mapping[str, JsonObject],
    moved: str,
    zone: tzinfo,
) -> list[Visit]:
    """What else is taken while any of the slots lasts: slots of every schedule that are not free, and appointments,
    of which not all have a slot. The one that is moved, and its slots, count as free."""
    spans = [(slot.start, slot.end) for slot in found]
    first, last = min(start for start, _ in spans) - _A_DAY, max(end for _, end in spans) + _A_DAY
    every = {f"Schedule/{s['id']}": s for s in await client.search("Schedule", [])} | dict(schedules)
    appointments = await client.search(
        "Appointment",
        [
            ("status", _STANDS),
            ("date", f"ge{instant(first)}"),
            ("date", f"lt{instant(last)}"),
            ("_count", "200"),
        ],
    )
    freed = {
        str(slot.get("reference"))
        for one in appointments
        if one.get("id") == moved
        for slot in one.get("slot", ())
    }
    visits: dict[tuple[datetime, str, str], Visit] = {}
    for one in appointments:
        visit = _visit(one, zone)
        if visit is not None and one.get("id") != moved:
            visits[visit.start, visit.practitioner, visit.location] = visit
    for one in await _slots(client, list(every), _TAKEN, first, last):
        visit = _busy(one, every, zone)
        if visit is not None and f"Slot/{one.get('id')}" not in freed:
            _add(visits, visit)
    return list(visits.values())


def _add(visits: dict[tuple[datetime, str, str], Visit], visit: Visit) -> None:
    """A busy slot, unless an appointment of that practitioner at that time is there: it is the same visit."""
    same = any(v.start == visit.start and v.practitioner == visit.practitioner for v in visits.values())
    if not (same and visit.practitioner):
        visits[visit.start, visit.practitioner, visit.location] = visit


def _visit(appointment: JsonObject, zone: tzinfo) -> Visit | None:
    start, end = moment(appointment.get("start"), zone), moment(appointment.get("end"), zone)
    if start is None:
        return None
    practitioner, _ = actor_of(appointment, "Practitioner")
    location, _ = actor_of(appointment, "Location")
    return Visit(start, end or start, practitioner, location, services_of(appointment))


def _busy(slot: JsonObject, schedules: Mapping[str, JsonObject], zone: tzinfo) -> Visit | None:
    start, end = moment(slot.get("start"), zone), moment(slot.get("end"), zone)
    if start is None or end is None:
        return None
    schedule = schedules.get(str(slot.get("schedule", {}).get("reference", "")), {})
    who, where = schedule_actor(schedule, "Practitioner")[0], schedule_actor(schedule, "Location")[0]
    return Visit(start, end, who, where, services_of(slot))


async def _patient(client: FhirClient, request: SearchSlots, zone: tzinfo, now: datetime) -> Known | None:
    """Their visits that count: those to come, and those of the last two years, by which limits go too."""
    if not request.patient:
        return None
    since = (now - timedelta(days=730)).date().isoformat()
    appointments = await client.search(
        "Appointment", [("patient", request.patient), ("date", f"ge{since}"), ("_count", "200")]
    )
    encounters = await client.search(
        "Encounter", [("patient", request.patient), ("_count", "1"), ("_total", "none")]
    )
    counted = [
        visit
        for one in appointments
        if one.get("id") != request.moves and one.get("status") in {*_STANDS.split(","), *_SEEN}
        if (visit := _visit(one, zone)) is not None
    ]
    seen = bool(encounters) or any(one.get("status") in _SEEN for one in appointments)
    return Known(tuple(counted), seen)
