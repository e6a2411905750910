"""Runs a brain's requests against the FHIR server."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from zoneinfo import ZoneInfo

from agent.campaigns.flagging import put_flag
from agent.campaigns.ledger import Ledger
from agent.campaigns.preferences import opt_out
from agent.insisting import Insisting
from agent.records import Context, SlotRecord
from agent.requests import (
    AddCoverage,
    Basis,
    Book,
    Cancel,
    ChangeAddress,
    ChangePhone,
    ClaimAnswer,
    Confirm,
    FindByBirthDate,
    FindErrands,
    FindPatients,
    LoadContext,
    OptOut,
    ReadPatient,
    ReadPractice,
    Request,
    SearchSlots,
)
from agent.results import (
    ContextLoaded,
    ErrandsFound,
    Failed,
    PatientsFound,
    PracticeFound,
    Result,
    SlotsFound,
    Taken,
    Written,
)
from agent.tools import stating
from agent.tools.calendar import free_slots
from agent.tools.client import Answer, FhirClient, Unreachable, version_of
from agent.tools.outreach import errands_at
from agent.tools.practice_facts import places
from agent.tools.provenance import Speaker, header, provenance
from agent.tools.reading import (
    actor_of,
    appointment_record,
    coverage_record,
    patient_record,
    phone_spellings,
    spoken_name,
)
from fhirserver.kernel.instants import Clock
from fhirserver.kernel.json import JsonObject
from fhirserver.world.configured.scheduling_rules import ORDINARY, SchedulingRules
from fhirserver.world.spoken.identifiers import phone_key
from fhirserver.world.spoken.names import mentions


@dataclass
class Toolbox:
    """The tools of one call; ``communication`` is the reference of the call's own record."""

    client: FhirClient
    clock: Clock
    zone: str = "America/New_York"
    speaker: Speaker = field(default_factory=Speaker)
    communication: str = ""
    slots: dict[str, SlotRecord] = field(default_factory=dict)
    rules: SchedulingRules = ORDINARY
    insisting: Insisting = field(default_factory=Insisting)

    async def run(self, request: Request, name: str = "", again: bool = False) -> Result:
        """Do it. Never raises for what the server does: the answer says what became of it.

        ``name`` is that of this one request within the call; with ``again`` it may have been done already, by a process
        that died before it could tell: then what it wrote is found rather than written once more.
        """
        tool: Callable[[Request], Awaitable[Result]] | None = getattr(self, f"_{tool_name(request)}", None)
        if tool is None:
            return Failed("there is nothing here that runs this request")
        try:
            if again and isinstance(request, Book | Cancel | AddCoverage):
                done = await self._done_already(request, name)
                if done is not None:
                    return done
            return await (self._book(request, name) if isinstance(request, Book) else tool(request))
        except Unreachable as error:
            return Failed(str(error))

    def remember(self, result: Result) -> None:
        """What a tool answered in a process before this one, as far as later requests rest on it."""
        if isinstance(result, SlotsFound):
            self.slots.update({slot.id: slot for slot in result.slots})

    # reading

    async def _find_patients(self, request: FindPatients) -> Result:
        spellings = ",".join(s.replace(",", "\\,") for s in phone_spellings(request.phone))
        found = await self.client.search("Patient", [("phone", spellings)])
        records = {r["id"]: patient_record(r) for r in found if r.get("active") is not False}
        key = phone_key(request.phone)
        return PatientsFound(tuple(p for p in records.values() if key in {phone_key(x) for x in p.phones}))

    async def _find_errands(self, request: FindErrands) -> Result:
        found = await errands_at(self.client, request.phone, request.patients, self.clock)
        return ErrandsFound(found)

    async def _opt_out(self, request: OptOut) -> Result:
        """Tried until it is done, also when the conversation is over; Failed where that takes too long to wait for."""
        author, now = self.speaker.reference(), self.clock.now()
        ledger, flags = Ledger(self.client, self.clock, self.speaker), [""]

        async def work() -> None:
            for patient in request.patients:
                wish = opt_out(patient, request.number, request.channels, author, now, request.whole)
                flags.append(await put_flag(ledger, wish, self._said(request.basis, patient)))

        name = f"{' '.join(request.channels)} {request.number} {' '.join(request.patients)}"
        if await self.insisting.done(name, work):
            return Written(flags[-1])
        return Failed("it waits to be written down")

    async def _find_by_birth_date(self, request: FindByBirthDate) -> Result:
        found = await self.client.search("Patient", [("birthdate", request.birth_date.isoformat())])
        return PatientsFound(tuple(patient_record(r) for r in found if r.get("active") is not False))

    async def _read_practice(self, request: ReadPractice) -> Result:
        return PracticeFound(await places(self.client, request.name))

    async def _read_patient(self, request: ReadPatient) -> Result:
        found = await self.client.read(request.patient)
        return PatientsFound((patient_record(found),) if found and found.get("active") is not False else ())

    async def _load_context(self, request: LoadContext) -> Result:
        zone = ZoneInfo(self.zone)
        today = (self.clock.now() - timedelta(days=1)).date().isoformat()
        params = [("patient", request.patient), ("date", f"ge{today}")]
        appointments = [appointment_record(r, zone) for r in await self.client.search("Appointment", params)]
        coverages = await self.client.search("Coverage", [("patient", request.patient)])
        recent = (self.clock.now() - timedelta(days=400)).date().isoformat()
        params = [("patient", request.patient), ("date", f"ge{recent}")]
        encounters = await self.client.search("Encounter", params)
        encounters.sort(key=lambda e: str(e.get("period", {}).get("start", "")), reverse=True)
        return ContextLoaded(
            Context(
                request.patient,
                tuple(a for a in appointments if a is not None),
                tuple(coverage_record(r) for r in coverages),
                tuple(_visit(e) for e in encounters[:5]),
                _practitioners(encounters),
            )
        )

    async def _search_slots(self, request: SearchSlots) -> Result:
        found = await free_slots(self.client, request, self.zone, self.rules, self.clock.now())
        self.slots.update({s.id: s for s in found})
        return SlotsFound(found)

    # writing

    def _said(self, basis: Basis, patient: str, mode: str = "") -> dict[str, str]:
        return header(provenance(self.speaker, basis, self.communication, patient, self.clock.now(), mode))

    async def _done_already(self, request: Book | Cancel | AddCoverage, name: str) -> Result | None:
        """What a request that may have been carried out before has written; None where it was not.

        What else is written changes nothing when it is written twice.
        """
        if isinstance(request, Book):
            return await self._booked(self._booking(name))
        if isinstance(request, Cancel):
            appointment = await self.client.read(f"Appointment/{request.appointment}")
            gone = appointment is not None and appointment.get("status") == "cancelled"
            return Written(f"Appointment/{request.appointment}") if gone else None
        for coverage in await self.client.search("Coverage", [("patient", request.patient)]):
            record = coverage_record(coverage)
            if record.member == request.member and mentions(request.payer, record.payer):
                return Written(f"Coverage/{record.id}")
        return None

    def _booking(self, name: str) -> str:
        """The identifier under which a booking is made, and found."""
        return f"{self.communication or 'call'}/{name or uuid.uuid4()}"

    async def _book(self, request: Book, name: str = "") -> Result:
        slot = self.slots.get(request.slot)
        if slot is None:
            return Failed("the slot is not one that was searched")
        if not slot.resource:  # known from another process; If-Match tells whether it is still the same
            slot = replace(slot, resource=await self.client.read(f"Slot/{slot.id}") or {})
            if not slot.resource:
                return Taken()
        key = self._booking(name)
        entries = [stating.update_entry(stating.stated(slot.resource) | {"status": "busy"}, slot.version)]
        replaced: JsonObject | None = None
        if request.replaces:
            replaced = await self.client.read(f"Appointment/{request.replaces}")
            if replaced is None or replaced.get("status") in ("cancelled", "fulfilled", "noshow"):
                return Failed("the appointment to be moved is gone")
            entries += await self._given_up(replaced, "pat", "Moved to another time by the patient", slot.id)
        booked = stating.new_appointment(slot, request.patient, key, replaced)
        entries.append(stating.create_entry(booked, f"urn:uuid:{uuid.uuid4()}"))
        return await self._transact(entries, request.basis, request.patient, key)

    async def _given_up(
        self, appointment: JsonObject, code: str, reason: str, kept: str = ""
    ) -> list[JsonObject]:
        """The entries that cancel an appointment and free its slots."""
        resource = stating.stated(appointment)
        resource |= {"status": "cancelled", "cancelationReason": stating.cancellation(code, reason)}
        entries = [stating.update_entry(resource, version_of(appointment))]
        for reference in [s.get("reference", "") for s in appointment.get("slot", ())]:
            slot = await self.client.read(reference) if reference and reference != f"Slot/{kept}" else None
            if slot is not None:
                freed = stating.stated(slot) | {"status": "free"}
                entries.append(stating.update_entry(freed, version_of(slot)))
        return entries

    async def _transact(self, entries: list[JsonObject], basis: Basis, patient: str, key: str) -> Result:
        try:
            sent = stating.transaction(entries)
            answer = await self.client.send("POST", "", sent, self._said(basis, patient))
        except Unreachable:
            return await self._look_for(key)
        if answer.taken:
            return Taken()
        if not answer.ok:
            return Failed(f"HTTP {answer.status}")
        return Written(_location(answer, "Appointment"), answer.held)

    async def _look_for(self, key: str) -> Result:
        """The line was cut: only the server knows whether the booking was made."""
        return await self._booked(key) or Failed("no answer")

    async def _booked(self, key: str) -> Written | None:
        found = await self.client.search("Appointment", [("identifier", f"{stating.BOOKING}|{key}")])
        return Written(f"Appointment/{found[0]['id']}") if found else None

    async def _cancel(self, request: Cancel) -> Result:
        appointment = await self.client.read(f"Appointment/{request.appointment}")
        if appointment is None:
            return Failed("the appointment is gone")
        entries = await self._given_up(appointment, request.code, request.reason)
        return await self._update(
            entries, request.basis, request.patient, f"Appointment/{request.appointment}"
        )

    async def _confirm(self, request: Confirm) -> Result:
        appointment = await self.client.read(f"Appointment/{request.appointment}")
        if appointment is None:
            return Failed("the appointment is gone")
        resource = stating.stated(appointment)
        for participant in resource.get("participant", ()):
            if participant.get("actor", {}).get("reference") == request.patient:
                participant["status"] = "accepted"
        if resource.get("status") in ("pending", "proposed"):
            resource["status"] = "booked"
        entries = [stating.update_entry(resource, version_of(appointment))]
        return await self._update(
            entries, request.basis, request.patient, f"Appointment/{request.appointment}"
        )

    async def _update(self, entries: list[JsonObject], basis: Basis, patient: str, reference: str) -> Result:
        """A transaction of updates alone: made twice it changes nothing more, so it may be tried again."""
        headers = self._said(basis, patient)
        for attempt in (1, 2):
            try:
                answer = await self.client.send("POST", "", stating.transaction(entries), headers)
            except Unreachable:
                if attempt == 2 or await self._is_as(entries[0]["resource"]):
                    break
                continue
            if answer.taken:
                return Written(reference) if await self._is_as(entries[0]["resource"]) else Taken()
            return Written(reference, answer.held) if answer.ok else Failed(f"HTTP {answer.status}")
        return Written(reference) if await self._is_as(entries[0]["resource"]) else Failed("no answer")

    async def _is_as(self, wanted: JsonObject) -> bool:
        """Whether the server already holds the status we meant to write."""
        now = await self.client.read(f"{wanted['resourceType']}/{wanted['id']}")
        return now is not None and now.get("status") == wanted.get("status") == "cancelled"

    async def _add_coverage(self, request: AddCoverage) -> Result:
        payer = await self._payer(request.payer)
        resource = stating.coverage(request, payer)
        headers = self._said(request.basis, request.patient)
        answer = await self.client.send("POST", "Coverage", resource, headers)
        return _written(answer, "Coverage")

    async def _payer(self, name: str) -> JsonObject:
        """The one organisation of that name, else only the name as it was said."""
        found = await self.client.search("Organization", [("name", name.split()[0])])
        alike = [o for o in found if mentions(name, str(o.get("name", "")))]
        exact = [o for o in alike if str(o.get("name", "")).lower() == name.lower()] or alike
        if len(exact) == 1:
            return {"reference": f"Organization/{exact[0]['id']}", "display": exact[0]["name"]}
        return {"display": name}

    async def _change_phone(self, request: ChangePhone) -> Result:
        return await self._patch(request.patient, request.basis, lambda p: stating.phone_patch(p, request))

    async def _change_address(self, request: ChangeAddress) -> Result:
        return await self._patch(request.patient, request.basis, lambda p: stating.address_patch(p, request))

    async def _claim_answer(self, request: ClaimAnswer) -> Result:
        return await self._patch(request.patient, request.basis, lambda p: stating.answer_patch(p, request))

    async def _patch(self, patient: str, basis: Basis, make: Callable[[JsonObject], stating.Patch]) -> Result:
        """Read, patch what was read, read again if somebody was faster."""
        for _ in range(3):
            resource = await self.client.read(patient)
            if resource is None:
                return Failed("the record is gone")
            patch = make(resource)
            if not patch:
                return Written(patient)
            headers = self._said(basis, patient, "partial") | {"Content-Type": "application/json-patch+json"}
            if version_of(resource):
                headers["If-Match"] = f'W/"{version_of(resource)}"'
            answer = await self.client.send("PATCH", patient, patch, headers)
            if not answer.taken:
                return Written(patient, answer.held) if answer.ok else Failed(f"HTTP {answer.status}")
        return Taken()


def tool_name(request: Request) -> str:
    """``FindPatients`` → ``find_patients``."""
    name = type(request).__name__
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


def _location(answer: Answer, type: str) -> str:
    for entry in answer.body.get("entry", ()):
        location = str(entry.get("response", {}).get("location", ""))
        status = str(entry.get("response", {}).get("status", ""))
        if f"{type}/" in location and status.startswith("201"):
            return f"{type}/{location.split(f'{type}/')[1].split('/')[0]}"
    return ""


def _written(answer: Answer, type: str) -> Result:
    if not answer.ok:
        return Failed(f"HTTP {answer.status}")
    location = answer.headers.get("location", "")
    id = answer.body.get("id") or (
        location.split(f"{type}/")[1].split("/")[0] if f"{type}/" in location else ""
    )
    return Written(f"{type}/{id}", answer.held)


def _visit(encounter: JsonObject) -> str:
    what = next((t.get("text", "") for t in encounter.get("type", ())), "") or "Visit"
    return f"{what} on {str(encounter.get('period', {}).get('start', ''))[:10]}"


def _practitioners(encounters: list[JsonObject]) -> tuple[tuple[str, str], ...]:
    seen = [actor_of(e, "Practitioner") for e in encounters]
    return tuple(dict.fromkeys((ref, spoken_name(name)) for ref, name in seen if ref))
