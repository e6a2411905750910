"""Free slots to offer instead of one that was taken: with the same people, as near in time as there are."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.runner.call_back import KEPT, Offer, actors, slots_of
from fhirserver.kernel.instants import microseconds
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.search.expression import And, DateIs, Expression, Or, Query, ReferenceIs, SortKey, TokenIs
from fhirserver.store.store import Store

MOST_OFFERS = 5
_LOOKED_AT = 20
"""Free slots on either side of the wanted time that are looked at; some are held by appointments."""
_WHOSE = ("Practitioner", "PractitionerRole", "HealthcareService", "Device")
_HELD = Or(tuple(TokenIs("status", None, status) for status in (*KEPT, "arrived", "checked-in")))


async def alternatives(store: Store, appointment: JsonObject, now: str) -> Sequence[Offer]:
    """At most :data:`MOST_OFFERS` slots that are free as far as the world knows, the nearest in time first."""
    schedules = await _schedules(store, appointment)
    if not schedules:
        return ()
    wanted = microseconds(str(appointment.get("start") or now))
    soonest = microseconds(now)
    later = await _free(store, schedules, max(wanted, soonest), None)
    earlier = await _free(store, schedules, soonest, wanted) if wanted > soonest else []
    found: list[Offer] = []
    for slot in sorted((*later, *earlier), key=lambda slot: abs(microseconds(slot["start"]) - wanted)):
        if slot["id"] not in slots_of(appointment) and not await _is_held(store, slot["id"]):
            found.append(Offer(slot["id"], slot["start"]))
            if len(found) == MOST_OFFERS:
                break
    return found


async def _schedules(store: Store, appointment: JsonObject) -> Sequence[str]:
    """The schedules of the slots that it is in; else those of whom it is with."""
    found: dict[str, None] = {}
    for id in slots_of(appointment):
        version = await store.read("Slot", id)
        if version is not None and not version.deleted:
            found[str(loads(version.content).get("schedule", {}).get("reference", "")).partition("/")[2]] = (
                None
            )
    for reference in () if found else [actor for type in _WHOSE for actor in actors(appointment, type)]:
        type, _, id = reference.partition("/")
        page = await store.search(Query("Schedule", ReferenceIs("actor", type, id), count=_LOOKED_AT))
        found.update(dict.fromkeys(version.id for version in page.versions))
    return [id for id in found if id]


async def _free(store: Store, schedules: Sequence[str], low: int, high: int | None) -> list[JsonObject]:
    """Free slots from ``low`` on in order; with ``high`` those before it, the latest first."""
    parts: list[Expression] = [
        Or(tuple(ReferenceIs("schedule", "Schedule", id) for id in schedules)),
        TokenIs("status", None, "free"),
        DateIs("start", "ge", low, low + 1),
    ]
    if high is not None:
        parts.append(DateIs("start", "lt", high, high + 1))
    order = SortKey("start", "date", descending=high is not None)
    page = await store.search(Query("Slot", And(tuple(parts)), (order,), count=_LOOKED_AT))
    return [loads(version.content) for version in page.versions]


async def _is_held(store: Store, slot: str) -> bool:
    where = And((ReferenceIs("slot", "Slot", slot), _HELD))
    return await store.count(Query("Appointment", where)) > 0
