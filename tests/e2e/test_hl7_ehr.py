"""Credence and a simulated EHR over HL7v2: what one says the other has, once, and nothing bounces."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from adapters.runner.sent import read_sent
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.ports.ehr import Change, Operation
from fhirserver.ports.storage import Key
from fhirserver.search.expression import Query
from tests.hl7_ehr import Clinic, clinic

EVE = {"name": "ANDER^EVE", "birth_date": "19800203", "sex": "F", "phone": "^PRN^PH^^^555^5550001"}


async def a_patient(practice: Clinic) -> JsonObject:
    """One whom the EHR has told of."""
    await practice.hospital.register(**EVE)
    return (await practice.until(lambda: every(practice, "Patient")))[0]


async def every(practice: Clinic, type: str) -> list[JsonObject]:
    return [
        loads(version.content) for version in (await practice.store.search(Query(type, count=100))).versions
    ]


def visit(
    patient: JsonObject, start: str = "2026-12-01T09:00:00Z", end: str = "2026-12-01T09:30:00Z"
) -> JsonObject:
    return {
        "status": "booked",
        "start": start,
        "end": end,
        "minutesDuration": 30,
        "participant": [
            {"actor": {"reference": f"Patient/{patient['id']}"}, "status": "accepted"},
            {"actor": {"reference": "Practitioner/house"}, "status": "accepted"},
        ],
    }


async def a_doctor(practice: Clinic) -> None:
    npi = {"system": "http://hl7.org/fhir/sid/us-npi", "value": "1234567893"}
    await practice.put(
        "credence", "Practitioner", "house", {"identifier": [npi], "name": [{"family": "House"}]}
    )


async def booked(practice: Clinic, patient: JsonObject, id: str = "a1", **more: str) -> None:
    """An appointment that may leave, and all that follows from it."""
    await practice.put("operator", "Appointment", id, visit(patient, **more), confidence=Decimal("0.95"))
    await practice.settle()


async def told(practice: Clinic) -> None:
    """The EHR has told of all its changes."""

    async def nothing_waits() -> bool:
        state = await practice.hospital.state()
        return bool(state["feed_waiting"] == state["feed_repeats"] == 0)

    await practice.until(nothing_waits)


async def test_a_booking_goes_there_comes_back_and_does_not_bounce(tmp_path: Path) -> None:
    async with clinic(tmp_path) as practice:
        await a_doctor(practice)
        patient = await a_patient(practice)
        await booked(practice, patient)
        _, (there,) = await practice.hospital.records()
        assert (there["placer"], there["status"], there["start"]) == (
            "a1^CREDENCE",
            "Booked",
            "2026-12-01T09:00:00Z",
        )
        await told(practice)
        (here,) = await every(practice, "Appointment")
        values = {one["value"] for one in here["identifier"]}
        assert there["filler"] in values, "the EHR's own number is learned"
        assert here["status"] == "booked" and len(await every(practice, "Patient")) == 1
        await practice.settle()
        assert await practice.statuses() == ["completed"]
        assert (await practice.hospital.state())["received"] == 1, "nothing bounced"


async def test_what_either_changes_the_other_has(tmp_path: Path) -> None:
    async with clinic(tmp_path) as practice:
        await a_doctor(practice)
        patient = await a_patient(practice)
        await booked(practice, patient)
        await told(practice)
        _, (there,) = await practice.hospital.records()
        change = {"start": "2026-12-02T11:00:00+01:00", "end": "2026-12-02T10:30:00Z"}
        await practice.hospital.http.patch(f"/appointments/{there['filler']}", json=change)

        async def moved() -> bool:
            (here,) = await every(practice, "Appointment")
            return bool(here["start"].startswith("2026-12-02T10:00:00"))

        await practice.until(moved)
        await practice.amend("operator", "Appointment", "a1", status="cancelled")
        await practice.settle()
        _, (there,) = await practice.hospital.records()
        assert there["status"] == "Cancelled" and there["start"] == "2026-12-02T10:00:00Z"


async def test_a_time_that_is_taken_is_for_a_person(tmp_path: Path) -> None:
    async with clinic(tmp_path) as practice:
        await a_doctor(practice)
        patient = await a_patient(practice)
        await booked(practice, patient)
        await booked(practice, patient, "a2", start="2026-12-01T09:15:00Z", end="2026-12-01T09:45:00Z")
        assert sorted(await practice.statuses()) == ["completed", "failed"]
        assert len((await practice.hospital.records())[1]) == 1


async def test_what_is_not_answered_is_sent_again_and_done_once(tmp_path: Path) -> None:
    async with clinic(tmp_path) as practice:
        await a_doctor(practice)
        patient = await a_patient(practice)
        await practice.hospital.faults(drop_after=1)
        await practice.put("operator", "Appointment", "a1", visit(patient), confidence=Decimal("0.95"))
        await practice.follow()
        await practice.outbound.push_due()
        assert await practice.statuses() == ["in-progress"]
        await practice.hospital.faults(drop_after=0)
        await practice.settle()
        assert await practice.statuses() == ["completed"]
        assert len((await practice.hospital.records())[1]) == 1


@pytest.mark.parametrize("arrived", [True, False])
async def test_what_is_called_off_before_the_ehr_answered_is_taken_back_where_it_had_arrived(
    tmp_path: Path, arrived: bool
) -> None:
    async with clinic(tmp_path) as practice:
        await a_doctor(practice)
        patient = await a_patient(practice)
        fault = "drop_after" if arrived else "drop_before"
        await practice.hospital.faults(**{fault: 1})
        await practice.put("operator", "Appointment", "a1", visit(patient), confidence=Decimal("0.95"))
        await practice.follow()
        await practice.outbound.push_due()
        assert await practice.statuses() == ["in-progress"]
        await practice.hospital.faults(**{fault: 0})
        await practice.amend("operator", "Appointment", "a1", status="cancelled")
        await practice.settle()
        assert not {"in-progress", "requested", "failed"} & set(await practice.statuses())
        there = (await practice.hospital.records())[1]
        assert [one["status"] for one in there] == (["Cancelled"] if arrived else [])
        assert (await practice.world("Appointment", "a1"))["status"] == "cancelled"


async def test_covers_that_leave_at_once_are_all_there(tmp_path: Path) -> None:
    async with clinic(tmp_path) as practice:
        patient = await a_patient(practice)
        members = [f"M00000{number}" for number in range(4)]
        for member in members:
            cover = {
                "status": "active",
                "subscriberId": member,
                "beneficiary": {"reference": f"Patient/{patient['id']}"},
                "payor": [{"display": "Plan 1352"}],
            }
            await practice.put("operator", "Coverage", member, cover, confidence=Decimal("0.95"))
        await practice.settle()
        (there, *_), _ = await practice.hospital.records()
        assert [str(there["lists"]).count(member) for member in members] == [1] * 4
        await practice.until(lambda: told_back(practice))

        async def each_once() -> bool:
            return sorted(one["subscriberId"] for one in await every(practice, "Coverage")) == members

        await practice.until(each_once)


async def test_what_a_cover_tells_of_its_patient_in_passing_is_an_echo_too_and_sets_nothing_back(
    tmp_path: Path,
) -> None:
    async with clinic(tmp_path) as practice:
        await a_doctor(practice)
        patient = await a_patient(practice)
        news = {"gender": "male", "telecom": [{"system": "phone", "use": "home", "value": "5559990000"}]}
        await practice.amend("operator", "Patient", patient["id"], **news)
        # The cover leaves before the patient's own message.
        cover = {
            "resourceType": "Coverage",
            "status": "active",
            "subscriberId": "M000001",
            "beneficiary": {"reference": f"Patient/{patient['id']}"},
            "payor": [{"display": "Plan 1352"}],
        }
        await practice.ehr.push(Change(Operation.CREATE, "Coverage", "Coverage/c1", cover))
        sent = await read_sent(practice.store, practice.sink.source, Key("Patient", patient["id"]))
        assert [unit.partition("[")[0] for unit in sent.tried] == ["gender"]
        (there,), _ = await practice.hospital.records()
        assert there["fields"]["PID-8"] == "M"
        assert there["fields"]["PID-13"] == EVE["phone"], (
            "what may have changed there since is not told in passing"
        )


async def told_back(practice: Clinic) -> bool:
    """Whether the EHR has nothing more to tell."""
    await practice.settle()
    return not (await practice.hospital.state())["feed_waiting"]


async def test_a_new_patient_gets_the_ehrs_number(tmp_path: Path) -> None:
    async with clinic(tmp_path) as practice:
        who = {"name": [{"family": "New", "given": ["Nora"]}], "birthDate": "1990-05-06", "gender": "female"}
        await practice.put("operator", "Patient", "nora", who, confidence=Decimal("1.0"))
        await practice.settle()
        ((there,), _) = await practice.hospital.records()
        assert there["name"].startswith("New^Nora")
        assert there["numbers"] == [f"{there['mrn']}^^^SIMHOSP^MR", "nora^^^CREDENCE^PI"]
        await told(practice)
        (here,) = await every(practice, "Patient")
        assert here["id"] == "nora" and [one["value"] for one in here["identifier"]] == [there["mrn"]]
        await practice.hospital.http.patch(f"/patients/{there['mrn']}", json={"PID-16": "M"})

        async def married() -> bool:
            return "maritalStatus" in (await practice.world("Patient", "nora"))

        await practice.until(married)
        assert len(await every(practice, "Patient")) == 1
        await practice.settle()
        assert await practice.statuses() == ["completed"]


async def test_nothing_below_its_gate_is_carried(tmp_path: Path) -> None:
    async with clinic(tmp_path) as practice:
        await a_doctor(practice)
        patient = await a_patient(practice)
        await practice.put(
            "agent", "Patient", patient["id"], {"address": [{"city": "Whisperton"}]}, mode="partial"
        )
        await booked(practice, patient)
        ((there,), _) = await practice.hospital.records()
        assert "Whisperton" not in str(there)


async def test_the_ehr_keeps_its_records_and_tells_a_patient_twice(tmp_path: Path) -> None:
    async with clinic(tmp_path) as practice:
        await practice.hospital.faults(duplicate=1, disorder=1)
        for number in range(3):
            who = {**EVE, "name": f"ANDER^EVE{'ABC'[number]}", "birth_date": f"198{number}0203"}
            await practice.hospital.register(**who)
        await told(practice)
        assert len(await every(practice, "Patient")) == 3


async def test_with_a_fifth_of_everything_going_wrong_both_end_with_the_same(tmp_path: Path) -> None:
    async with clinic(tmp_path) as practice:
        await a_doctor(practice)
        patient = await a_patient(practice)
        await practice.hospital.faults(rate=0.2, late_seconds=0.1, slow_seconds=0.05)
        for number in range(8):
            day = f"2026-12-{number + 1:02d}T09"
            content = visit(patient, f"{day}:00:00Z", f"{day}:30:00Z")
            await practice.put("operator", "Appointment", f"b{number}", content, confidence=Decimal("0.95"))
        await practice.settle()
        await practice.amend("operator", "Appointment", "b3", status="cancelled")
        await practice.settle()
        await told(practice)
        _, there = await practice.hospital.records()
        assert {one["placer"]: one["status"] for one in there} == {
            f"b{number}^CREDENCE": "Cancelled" if number == 3 else "Booked" for number in range(8)
        }
        here = {one["id"]: one["status"] for one in await every(practice, "Appointment")}
        assert here == {f"b{number}": "cancelled" if number == 3 else "booked" for number in range(8)}
        assert set(await practice.statuses()) == {"completed"}


async def test_patients_whom_the_ehr_merges_are_merged_here(tmp_path: Path) -> None:
    async with clinic(tmp_path) as practice:
        await a_doctor(practice)
        patient = await a_patient(practice)
        stays = await practice.hospital.register(name="ANDER^EVELYN", birth_date="19710101", sex="F")
        await booked(practice, patient)
        await told(practice)
        gone = (await practice.hospital.records())[1][0]["mrn"]
        merged = await practice.hospital.http.post(f"/patients/{gone}/merge", json={"into": stays})
        assert merged.status_code == 200

        async def one_is_left() -> bool:
            return (
                len([one for one in await every(practice, "Patient") if one.get("active") is not False]) == 1
            )

        await practice.until(one_is_left)
        await practice.amend("operator", "Appointment", "a1", status="cancelled")
        await practice.settle()
        _, (there,) = await practice.hospital.records()
        assert (there["mrn"], there["status"]) == (stays, "Cancelled")
