"""From a change to the message that tells it: which event, and what it carries."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from adapters.hl7v2.message import Message
from adapters.hl7v2.outbound.assembling import Part, assembled, structure_of
from adapters.hl7v2.outbound.profile import Profile
from adapters.hl7v2.outbound.reader import Carried, Reader
from adapters.hl7v2.outbound.segments import evn, in1, known_by, nk1, own_number, pid, pv1, resources, sch
from adapters.hl7v2.outbound.values import first, reference_of
from fhirserver.kernel.ids import derived_id
from fhirserver.kernel.json import JsonObject, canonical
from fhirserver.ports.ehr import Change, Operation, Permanent

_BOOKED = {"cancelled": "S15", "entered-in-error": "S17", "noshow": "S26"}
_WHEN = ("start", "end", "slot")
_ACTIONS = {"S12": "A", "S15": "D", "S17": "D"}
_NEW, _CHANGED = ("A28", "A04"), ("A31", "A08")
_PATIENT = "SIU_S12_PATIENT"


class Composer:
    """Composes the messages of one receiver."""

    def __init__(self, profile: Profile, reader: Reader):
        self._profile, self._reader = profile, reader

    async def message(self, change: Change, at: datetime) -> Message:
        """The message that tells a change. Raises :class:`~fhirserver.ports.ehr.Permanent` where there is none."""
        at = at.astimezone(self._profile.zone)
        if change.type == "Appointment":
            return await self._booking(change, at)
        return await self._person(change, at)

    async def _booking(self, change: Change, at: datetime) -> Message:
        content = change.content or change.before or {}
        event = self._allowed(booking_event(change), "Appointment")
        carried = [
            found
            for participant in content.get("participant", ())
            if (found := await self._reader.carried(reference_of(participant.get("actor"))))
        ]
        patient = next((one for one in carried if one.content["resourceType"] == "Patient"), None)
        if patient is None:
            raise Permanent("an appointment is told with its patient, and it has none")
        placer, filler = self._numbers(change, content)
        parts = [
            *sch(placer, filler, _as_told(content, event), self._profile),
            known_by(pid(patient, self._profile, (_PATIENT,))),
            *resources(content, carried, _ACTIONS.get(event, "U"), self._profile),
        ]
        return self._made(event, change, at, parts, {"Appointment": content, "Patient": patient.content})

    def _numbers(self, change: Change, content: JsonObject) -> tuple[JsonObject | None, JsonObject | None]:
        """The placer's number, ours unless another placed it, and the filler's where it is known."""
        known = {_kind(one): one for one in content.get("identifier", ()) if one.get("value")}
        kind, _, rest = change.id.partition(":")
        authority, _, value = rest.rpartition("|")
        if kind in ("PLAC", "FILL") and value:
            known.setdefault(kind, {"system": authority, "value": value})
        placer = known.get("PLAC")
        if placer is None and (change.operation is Operation.CREATE or "FILL" not in known):
            placer = own_number(self._profile, world_id(change))
        return placer, known.get("FILL")

    async def _person(self, change: Change, at: datetime) -> Message:
        """A patient, told whole: with all cover and everybody close, since such lists are sent whole."""
        reference = owner(change)
        patient = await self._reader.carried(reference)
        if change.type == "Patient" and change.content:
            patient = Carried(world_id(change), change.id, change.content)
        if patient is None:
            raise Permanent(f"a {change.type} is told with its patient, of whom nothing may leave")
        wanted = "A29" if change.type == "Patient" and change.operation is Operation.DELETE else ""
        event = self._allowed(wanted, change.type) if wanted else self._person_event(change)
        group = f"{structure_of(event, self._profile.version)}_INSURANCE"
        whose = pid(patient, self._profile)
        whose = whose if change.type == "Patient" else known_by(whose)
        parts = [evn(event, at.strftime("%Y%m%d%H%M%S%z"), self._profile), whose]
        if event == "A29":
            return self._made(event, change, at, [*parts, pv1()], {"Patient": patient.content})
        people = await self._all("RelatedPerson", "patient", reference, change)
        parts += [nk1(number, one, self._profile) for number, one in enumerate(people, 1)]
        parts.append(pv1())
        for number, one in enumerate(await self._all("Coverage", "beneficiary", reference, change), 1):
            payor = reference_of(first(one.content, "payor"))
            parts.append(in1(number, one, await self._reader.carried(payor), group, self._profile))
        return self._made(event, change, at, parts, {"Patient": patient.content, change.type: change.content})

    async def _all(self, type: str, element: str, reference: str, change: Change) -> list[Carried]:
        """Those of a patient that may leave, with what is changing; the changing one comes first."""
        found = [
            one
            for one in await self._reader.of_patient(type, element, reference)
            if one.id != world_id(change)
        ]
        found = [one for one in found if one.is_told]
        if change.type == type and change.operation is not Operation.DELETE:
            found.insert(0, Carried(world_id(change), change.id, change.content))
        return found

    def _person_event(self, change: Change) -> str:
        new = change.type == "Patient" and change.operation is Operation.CREATE
        for event in _NEW if new else _CHANGED:
            if event in self._profile.events:
                return event
        return self._allowed(_NEW[0] if new else _CHANGED[0], change.type)

    def _allowed(self, event: str, type: str) -> str:
        if event not in self._profile.events:
            raise Permanent(f"the receiver's profile has no {event} for a {type}")
        return event

    def _made(
        self, event: str, change: Change, at: datetime, parts: list[Part], about: dict[str, Any]
    ) -> Message:
        stamp = at.strftime("%Y%m%d%H%M%S%z")
        return assembled(event, control_id(change), stamp, parts, self._profile, about)


def control_id(change: Change) -> str:
    """MSH-10: the same for every attempt of a change, and of no other; 20 letters, as versions before 2.7 allow."""
    parts = (change.key, change.operation.value, canonical(change.content).decode())
    return derived_id("hl7v2", *parts).replace("-", "")[:20]


def booking_event(change: Change) -> str:
    """The trigger event of a change of an appointment."""
    if change.operation is Operation.DELETE:
        return "S17"
    status = str(change.content.get("status", ""))
    if status in _BOOKED:
        return _BOOKED[status]
    if change.operation is Operation.CREATE and not change.only_found:
        return "S12"
    before = change.before or {}
    moved = any(before.get(name) != change.content.get(name) for name in _WHEN)
    return "S13" if moved else "S14"


def _as_told(content: JsonObject, event: str) -> JsonObject:
    return {**content, "status": "entered-in-error"} if event == "S17" else content


def owner(change: Change) -> str:
    """The reference of the patient whom a change is about."""
    if change.type == "Patient":
        return f"Patient/{world_id(change)}"
    content = change.content or change.before or {}
    return reference_of(content.get("beneficiary") or content.get("patient"))


def world_id(change: Change) -> str:
    """The world's id of what changes: the idempotency key begins with it."""
    return change.key.partition("@")[0].partition("/")[2]


def _kind(identifier: JsonObject) -> str:
    codes = [str(one.get("code")) for one in (identifier.get("type") or {}).get("coding", ())]
    return next((code for code in codes if code in ("PLAC", "FILL")), "")
