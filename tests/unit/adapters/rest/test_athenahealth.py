"""athenahealth by its shipped mapping, against the simulated practice."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.rest.ehr import RestEhr
from fhirserver.ports.ehr import Change, Operation
from tests.contracts.ehr_contract import EhrContract, Vendor, due, everything, of_type
from tests.vendor_process import VendorProcess


class AthenaVendor(Vendor):
    def __init__(self, process: VendorProcess):
        self.process = process
        self._made: list[RestEhr] = []
        self.ehr: RestEhr = self.fresh()

    def fresh(self) -> RestEhr:
        self._made.append(self.process.adapter())
        return self._made[-1]

    async def close(self) -> None:
        for ehr in self._made:
            await ehr.close()

    def faults(self, **settings: Any) -> None:
        self.process.faults(**settings)

    def patient_phone(self, id: str, ten_digits: str) -> None:
        self.process.alter("patients", id, mobilephone=ten_digits)

    def book(self, slot: str, patient: str) -> None:
        self.process.alter("appointments", slot, appointmentstatus="f", patientid=patient)

    def booked(self) -> list[str]:
        rows = self.process.records("appointments").values()
        return [row["patientid"] for row in rows if row["appointmentstatus"] == "f"]

    def patients(self) -> int:
        return len(self.process.records("patients"))


@pytest.fixture(scope="module")
def process():
    with VendorProcess("athenahealth") as process:
        yield process


@pytest.fixture
async def vendor(process):
    process.reset()
    vendor = AthenaVendor(process)
    yield vendor
    await vendor.close()


class TestContract(EhrContract):
    pass


async def test_a_slot_that_somebody_takes_becomes_busy(vendor):
    found, cursor = await everything(vendor.ehr)
    slot, patient = of_type(found, "Slot")[0], of_type(found, "Patient")[0]
    vendor.book(slot.id, patient.id)
    changed, cursor = await everything(vendor.ehr, due(cursor))
    assert changed[slot.reference].content["status"] == "busy"
    assert of_type(changed, "Appointment")[0].content["slot"] == [{"reference": slot.reference}]


async def test_an_appointment_that_the_practice_moves_keeps_its_record(vendor):
    found, cursor = await everything(vendor.ehr)
    slot, later = (of_type(found, "Slot")[number] for number in (0, 4))
    patient = of_type(found, "Patient")[0]
    vendor.book(slot.id, patient.id)
    _, cursor = await everything(vendor.ehr, cursor)
    vendor.process.alter("appointments", slot.id, appointmentstatus="x", rescheduledappointmentid=later.id)
    vendor.process.alter("appointments", later.id, appointmentstatus="f", patientid=patient.id)
    changed, cursor = await everything(vendor.fresh(), cursor)
    moved = of_type(changed, "Appointment")
    assert [one.id for one in moved] == [slot.id]
    assert moved[0].content["start"] == later.content["start"] and moved[0].content["status"] == "booked"
    read = await vendor.ehr.read("Appointment", slot.id)
    assert read.version == moved[0].version


async def test_a_lost_answer_of_the_feed_loses_no_change(vendor):
    found, cursor = await everything(vendor.ehr)
    patient = of_type(found, "Patient")[0]
    vendor.patient_phone(patient.id, "6175550779")
    vendor.faults(cut_rate=1.0)  # the feed is emptied, and its answer is lost
    with pytest.raises(Exception, match="no answer"):
        await everything(vendor.ehr, cursor)
    vendor.faults(reset=True)
    changed, _ = await everything(vendor.ehr, cursor)
    assert patient.reference in changed


async def test_insurance_is_added_once_changed_and_cancelled(vendor):
    found, _ = await everything(vendor.ehr)
    patient = of_type(found, "Patient")[0]
    content = {
        "resourceType": "Coverage",
        "status": "active",
        "subscriberId": "NEW-77",
        "beneficiary": {"reference": patient.reference},
        "payor": [
            {
                "identifier": {
                    "system": "https://credence.health/fhir/athenahealth/insurance-package",
                    "value": "1352",
                }
            }
        ],
        "order": 2,
    }
    change = Change(Operation.CREATE, "Coverage", "Coverage/c1", content)
    made = (await vendor.ehr.push(change)).record
    assert made.content["beneficiary"] == {"reference": patient.reference}
    assert (await vendor.fresh().push(change)).replayed
    assert (
        len([i for i in vendor.process.records("insurances").values() if i["patientid"] == patient.id]) == 2
    )
    changed = {**made.content, "subscriberId": "NEW-78"}
    update = Change(Operation.UPDATE, "Coverage", "c@2", changed, made.id, made.version, made.content)
    assert (await vendor.ehr.push(update)).record.content["subscriberId"] == "NEW-78"
    gone = await vendor.ehr.push(Change(Operation.DELETE, "Coverage", "c@3", id=made.id))
    assert gone.record.deleted
    assert (await vendor.ehr.push(Change(Operation.DELETE, "Coverage", "c@3", id=made.id))).replayed
