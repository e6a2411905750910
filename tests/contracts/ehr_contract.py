"""What every implementation of the port ``Ehr`` must do, whatever its vendor; the vendor is a process with faults."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from fhirserver.model.validation import validate
from fhirserver.ports.ehr import (
    Change,
    Conflict,
    Ehr,
    EhrError,
    Gone,
    Operation,
    Permanent,
    Receipt,
    Record,
    Retryable,
    Throttled,
)

MARK = "https://credence.health/fhir/identifier/writeback"


class Vendor(ABC):
    """The vendor's side of the contract: what only somebody at the vendor's can do or see."""

    ehr: Ehr

    @abstractmethod
    def fresh(self) -> Ehr:
        """The same EHR as a new process of ours would meet it."""

    @abstractmethod
    def faults(self, **settings: Any) -> None: ...

    @abstractmethod
    def patient_phone(self, id: str, ten_digits: str) -> None:
        """Somebody at the vendor's changes a telephone number."""

    @abstractmethod
    def book(self, slot: str, patient: str) -> None:
        """Somebody at the vendor's gives the slot to a patient."""

    @abstractmethod
    def booked(self) -> list[str]:
        """The ids of the patients of all appointments that stand, as they really are."""

    @abstractmethod
    def patients(self) -> int:
        """How many patients the vendor really has."""


def due(cursor: Any) -> Any:
    """The cursor as it is when the next whole lists are due."""
    for mark in cursor["resources"].values():
        mark["listed"] = "2020-01-01T00:00:00.000Z"
    return cursor


async def everything(ehr: Ehr, cursor: Any = None) -> tuple[dict[str, Record], Any]:
    """All records of one pull, the latest of each, and the cursor."""
    found: dict[str, Record] = {}
    async for page in ehr.pull(cursor):
        found.update({record.reference: record for record in page.records})
        cursor = page.cursor
    return found, cursor


def of_type(records: Mapping[str, Record], type: str) -> list[Record]:
    return [record for record in records.values() if record.type == type and not record.deleted]


def booking(slot: Record, schedule: Record, patient: str, key: str) -> Change:
    """A booking as it comes from the world."""
    actors = [actor["reference"] for actor in schedule.content["actor"]]
    content = {
        "resourceType": "Appointment",
        "status": "booked",
        "start": slot.content["start"],
        "end": slot.content["end"],
        "slot": [{"reference": slot.reference}],
        "serviceType": slot.content.get("serviceType", []),
        "participant": [
            {"actor": {"reference": reference}, "status": "accepted"}
            for reference in (f"Patient/{patient}", *actors)
        ],
    }
    return Change(Operation.CREATE, "Appointment", key, content)


def new_patient(given: str = "Vera", family: str = "Newcomer") -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "active": True,
        "name": [{"use": "official", "family": family, "given": [given]}],
        "birthDate": "1985-04-12",
        "gender": "female",
        "telecom": [{"system": "phone", "value": "+16175559999", "use": "mobile"}],
    }


def update(record: Record, key: str = "k@1", **members: Any) -> Change:
    content = {**record.content, **members}
    return Change(
        Operation.UPDATE, record.type, key, content, record.id, record.version, dict(record.content)
    )


async def until_done(vendor: Vendor, change: Change, tries: int = 60) -> Receipt:
    """Push as the runner does: again and again under the same key, as a new process now and then."""
    ehr, sent = vendor.ehr, list[float]()

    async def sending() -> None:
        sent.append(time.monotonic())

    for number in range(1, tries + 1):
        ago = time.monotonic() - sent[-1] if sent else None
        try:
            return await ehr.push(replace(change, attempt=number, sent=ago, sending=sending))
        except Retryable:
            if number % 3 == 0:
                ehr = vendor.fresh()
            await asyncio.sleep(0.02)
    raise AssertionError("never done")


class EhrContract:
    """Derive from it with a fixture ``vendor``."""

    async def test_everything_arrives_as_valid_fhir_and_only_once(self, vendor: Vendor) -> None:
        found, cursor = await everything(vendor.ehr)
        for type in ("Patient", "Practitioner", "Location", "Schedule", "Slot", "Coverage"):
            assert of_type(found, type), type
        for record in found.values():
            problems = [issue for issue in validate(record.content) if issue.severity == "error"]
            assert not problems, (record.reference, problems)
            assert record.version and record.content["id"] == record.id
        again, _ = await everything(vendor.ehr, cursor)
        assert not again

    async def test_references_lead_to_records_that_come(self, vendor: Vendor) -> None:
        found, _ = await everything(vendor.ehr)
        for slot in of_type(found, "Slot"):
            assert slot.content["schedule"]["reference"] in found
        for schedule in of_type(found, "Schedule"):
            assert all(actor["reference"] in found for actor in schedule.content["actor"])
        for coverage in of_type(found, "Coverage"):
            assert coverage.content["beneficiary"]["reference"] in found

    async def test_a_change_at_the_vendors_arrives(self, vendor: Vendor) -> None:
        found, cursor = await everything(vendor.ehr)
        patient = of_type(found, "Patient")[0]
        vendor.patient_phone(patient.id, "6175550777")
        changed, cursor = await everything(vendor.ehr, cursor)
        assert list(changed) == [patient.reference]
        numbers = [one["value"] for one in changed[patient.reference].content["telecom"]]
        assert "+16175550777" in numbers
        assert changed[patient.reference].version != patient.version

    async def test_what_was_handed_out_but_not_kept_comes_again(self, vendor: Vendor) -> None:
        found, cursor = await everything(vendor.ehr)
        patient = of_type(found, "Patient")[0]
        vendor.patient_phone(patient.id, "6175550778")
        pages = vendor.ehr.pull(cursor)
        async for page in pages:
            assert page.records
            break  # the process dies before it keeps them
        await pages.aclose()  # type: ignore[attr-defined]
        again, _ = await everything(vendor.fresh(), cursor)
        assert patient.reference in again

    async def test_read_and_gone(self, vendor: Vendor) -> None:
        found, _ = await everything(vendor.ehr)
        patient = of_type(found, "Patient")[0]
        assert (await vendor.ehr.read("Patient", patient.id)).version == patient.version
        coverage = of_type(found, "Coverage")[0]
        assert (await vendor.ehr.read("Coverage", coverage.id)).content == coverage.content
        with pytest.raises(Gone):
            await vendor.ehr.read("Patient", "999999")

    async def test_a_booking_arrives_once_however_often_it_is_sent(self, vendor: Vendor) -> None:
        found, _ = await everything(vendor.ehr)
        slot, patient = of_type(found, "Slot")[0], of_type(found, "Patient")[0]
        change = booking(slot, found[slot.content["schedule"]["reference"]], patient.id, "Appointment/a1")
        first = await vendor.ehr.push(change)
        assert first.record.content["status"] == "booked" and not first.replayed
        assert {"system": MARK, "value": "Appointment/a1"} in first.record.content["identifier"]
        second = await vendor.fresh().push(replace(change, attempt=2))
        assert second.replayed and second.record.id == first.record.id
        assert vendor.booked().count(patient.id) == 1

    async def test_a_taken_slot_is_a_conflict(self, vendor: Vendor) -> None:
        found, _ = await everything(vendor.ehr)
        slot = of_type(found, "Slot")[0]
        mine, other = (patient.id for patient in of_type(found, "Patient")[:2])
        vendor.book(slot.id, other)
        with pytest.raises(Conflict):
            await vendor.ehr.push(
                booking(slot, found[slot.content["schedule"]["reference"]], mine, "Appointment/a2")
            )
        assert vendor.booked().count(mine) == 0

    async def test_what_is_only_looked_for_is_not_there_where_somebody_else_has_the_slot(
        self, vendor: Vendor
    ) -> None:
        found, _ = await everything(vendor.ehr)
        slot, later = of_type(found, "Slot")[:2]
        mine, other = (patient.id for patient in of_type(found, "Patient")[:2])
        schedule = found[slot.content["schedule"]["reference"]]
        vendor.book(slot.id, other)
        before = booking(slot, schedule, mine, "Appointment/a3")
        after = booking(later, schedule, mine, "Appointment/a3")
        looked_for = replace(after, only_found=True, earlier=before.content, sent=60.0)
        with pytest.raises(Gone):
            await vendor.ehr.push(looked_for)
        assert vendor.booked().count(mine) == 0

    async def test_bookings_under_faults_are_exactly_once(self, vendor: Vendor) -> None:
        found, _ = await everything(vendor.ehr)
        slots, patients = of_type(found, "Slot"), of_type(found, "Patient")
        vendor.faults(error_rate=0.1, late_error_rate=0.1, cut_rate=0.15, drop_rate=0.1, throttle_rate=0.05)
        vendor.faults(retry_after=0, visible_after=0.2)
        for number, patient in enumerate(patients[:8]):
            slot = slots[number * 3]
            schedule = found[slot.content["schedule"]["reference"]]
            await until_done(vendor, booking(slot, schedule, patient.id, f"Appointment/f{number}"))
        assert sorted(vendor.booked()) == sorted(patient.id for patient in patients[:8])

    async def test_reschedule_and_cancel_keep_one_record(self, vendor: Vendor) -> None:
        found, cursor = await everything(vendor.ehr)
        slot, later = of_type(found, "Slot")[0], of_type(found, "Slot")[4]
        patient = of_type(found, "Patient")[0]
        schedule = found[slot.content["schedule"]["reference"]]
        booked = (await vendor.ehr.push(booking(slot, schedule, patient.id, "Appointment/m1"))).record
        moved = {"slot": [{"reference": later.reference}]}
        moved |= {name: later.content[name] for name in ("start", "end")}
        receipt = await vendor.ehr.push(update(booked, "Appointment/m1@2", **moved))
        assert receipt.record.id == booked.id
        assert receipt.record.content["start"] == later.content["start"]
        again = await vendor.fresh().push(replace(update(booked, "Appointment/m1@2", **moved), attempt=2))
        assert again.replayed and again.record.version == receipt.record.version
        assert vendor.booked().count(patient.id) == 1
        pulled, cursor = await everything(vendor.ehr, due(cursor))
        appointments = of_type(pulled, "Appointment")
        assert [one.id for one in appointments] == [booked.id], "one appointment, under the id it always had"
        assert appointments[0].content["status"] == "booked"
        cancelled = await vendor.ehr.push(update(receipt.record, "Appointment/m1@3", status="cancelled"))
        assert cancelled.record.content["status"] == "cancelled"
        assert vendor.booked().count(patient.id) == 0

    async def test_a_new_patient_is_registered_once_under_faults(self, vendor: Vendor) -> None:
        await everything(vendor.ehr)
        before = vendor.patients()
        vendor.faults(cut_rate=0.5, visible_after=0.2)
        change = Change(Operation.CREATE, "Patient", "Patient/n1", new_patient())
        receipt = await until_done(vendor, change)
        vendor.faults(reset=True)
        assert vendor.patients() == before + 1
        read = await vendor.ehr.read("Patient", receipt.record.id)
        assert read.content["birthDate"] == "1985-04-12"
        assert {"system": MARK, "value": "Patient/n1"} in read.content["identifier"]

    async def test_an_update_reaches_the_vendor_and_a_stale_one_is_a_conflict(self, vendor: Vendor) -> None:
        found, _ = await everything(vendor.ehr)
        patient = of_type(found, "Patient")[0]
        others = [one for one in patient.content["telecom"] if one.get("use") != "mobile"]
        telecom = [{"system": "phone", "value": "+16175551234", "use": "mobile"}, *others]
        receipt = await vendor.ehr.push(update(patient, telecom=telecom))
        assert telecom[0] in receipt.record.content["telecom"]
        vendor.patient_phone(patient.id, "6175554321")
        stale = update(patient, "k@2", telecom=[{**telecom[0], "value": "+16175550000"}, *others])
        with pytest.raises(Conflict) as conflict:
            await vendor.ehr.push(stale)
        assert conflict.value.current is not None
        assert conflict.value.current.version not in (patient.version, receipt.record.version)

    async def test_what_the_vendor_cannot_take_is_refused_not_lost(self, vendor: Vendor) -> None:
        found, _ = await everything(vendor.ehr)
        patient = of_type(found, "Patient")[0]
        kept = await vendor.ehr.push(update(patient, multipleBirthBoolean=True))
        assert kept.record.version == patient.version, "what it does not keep at all changes nothing there"
        slot = of_type(found, "Slot")[0]
        with pytest.raises(Permanent):
            await vendor.ehr.push(update(slot, status="busy"))

    async def test_an_expired_token_is_renewed(self, vendor: Vendor) -> None:
        vendor.faults(token_seconds=0.2)
        patient = of_type((await everything(vendor.ehr))[0], "Patient")[0]
        await asyncio.sleep(0.3)
        assert (await vendor.ehr.read("Patient", patient.id)).id == patient.id

    async def test_throttling_says_how_long(self, vendor: Vendor) -> None:
        patient = of_type((await everything(vendor.ehr))[0], "Patient")[0]
        vendor.faults(throttle_rate=1.0, retry_after=7)
        with pytest.raises(Throttled) as error:
            await vendor.ehr.read("Patient", patient.id)
        assert error.value.after == 7

    async def test_everything_arrives_through_faults_and_short_pages(self, vendor: Vendor) -> None:
        whole, _ = await everything(vendor.ehr)
        vendor.faults(error_rate=0.1, cut_rate=0.1, throttle_rate=0.1, retry_after=0, partial_rate=0.5)
        found: dict[str, Record] = {}
        ehr, cursor = vendor.fresh(), None
        for _ in range(20):
            try:
                async for page in ehr.pull(cursor):
                    found.update({record.reference: record for record in page.records})
                    cursor = page.cursor
                break
            except EhrError:
                continue
        assert set(found) == set(whole)

    async def test_health(self, vendor: Vendor) -> None:
        assert (await vendor.ehr.health()).reachable
        vendor.faults(down=5)
        health = await vendor.ehr.health()
        assert not health.reachable and health.problem == "Unanswered"
