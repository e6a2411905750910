"""Elation by its shipped mapping, against the simulated practice."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.rest.ehr import RestEhr
from fhirserver.ports.ehr import Conflict
from tests.contracts.ehr_contract import EhrContract, Vendor, booking, due, everything, of_type, update
from tests.vendor_process import VendorProcess


class ElationVendor(Vendor):
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
        phones = [{"phone": ten_digits, "phone_type": "Mobile", "deleted_date": None}]
        self.process.alter("patients", id, phones=phones)

    def book(self, slot: str, patient: str) -> None:
        row = self.process.records("appointments")[slot]
        made = {**row, "id": 990000, "patient": int(patient), "time_slot_type": "appointment"}
        made["status"] = {"status": "Scheduled"}
        self.process.alter("appointments", "990000", **made)

    def booked(self) -> list[str]:
        rows = self.process.records("appointments").values()
        return [
            str(row["patient"])
            for row in rows
            if row["time_slot_type"] == "appointment" and row["status"]["status"] != "Cancelled"
        ]

    def patients(self) -> int:
        return len(self.process.records("patients"))


@pytest.fixture(scope="module")
def process():
    with VendorProcess("elation") as process:
        yield process


@pytest.fixture
async def vendor(process):
    process.reset()
    vendor = ElationVendor(process)
    yield vendor
    await vendor.close()


class TestContract(EhrContract):
    pass


async def test_a_slot_that_somebody_takes_is_gone_and_comes_back(vendor):
    found, cursor = await everything(vendor.ehr)
    slot, patient = of_type(found, "Slot")[0], of_type(found, "Patient")[0]
    vendor.book(slot.id, patient.id)
    changed, cursor = await everything(vendor.ehr, due(cursor))
    assert changed[slot.reference].deleted
    appointment = of_type(changed, "Appointment")[0]
    await vendor.ehr.push(update(appointment, status="cancelled"))
    changed, cursor = await everything(vendor.ehr, due(cursor))
    assert [one.content["start"] for one in of_type(changed, "Slot")] == [slot.content["start"]]


async def test_an_appointment_without_a_slot_is_booked_unless_another_stands_there(vendor):
    found, _ = await everything(vendor.ehr)
    slot, schedule = of_type(found, "Slot")[0], of_type(found, "Schedule")[0]
    one, other = (patient.id for patient in of_type(found, "Patient")[:2])
    await vendor.ehr.push(booking(slot, schedule, one, "Appointment/o1"))
    with pytest.raises(Conflict):
        await vendor.ehr.push(booking(slot, schedule, other, "Appointment/o2"))
    assert vendor.booked() == [one]


async def test_a_deleted_patient_is_deleted(vendor):
    found, cursor = await everything(vendor.ehr)
    patient = of_type(found, "Patient")[0]
    vendor.process.alter("patients", patient.id, deleted_date="2026-01-01T00:00:00Z")
    changed, _ = await everything(vendor.ehr, cursor)
    assert changed[patient.reference].deleted
