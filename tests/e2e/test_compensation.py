"""An appointment that was taken in the EHR meanwhile: flagged, a Task to call back, other times to offer."""

from datetime import UTC, datetime, timedelta

import pytest

from adapters.runner.compensation import Compensation
from fhirserver.store.followers import Following
from fhirserver.world.vocabulary import REFUSED_BY_EHR

PATIENT = {"resourceType": "Patient", "name": [{"family": "Lane", "given": ["Ada"]}], "gender": "female"}
START = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=2)


def at(hours: float) -> str:
    return (START + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


class Case:
    """A patient, a schedule with slots at the EHR, and a way to book, all through the real parts."""

    def __init__(self, process, practice):
        self.process, self.practice = process, practice
        self.following = Following(practice.store, Compensation(practice.store, "credence"), "credence")

    def post(self, type, **content):
        answer = self.process.http.post(f"{self.process.base}/{type}", json={"resourceType": type, **content})
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    async def prepare(self):
        self.patient = self.post("Patient", **PATIENT)
        self.other = self.post("Patient", name=[{"family": "Other"}])
        doctor = self.post("Practitioner", name=[{"family": "Rey"}])
        schedule = self.post("Schedule", actor=[{"reference": f"Practitioner/{doctor}"}])
        self.slots = [
            self.post(
                "Slot",
                schedule={"reference": f"Schedule/{schedule}"},
                status="free",
                start=at(hours),
                end=at(hours + 0.5),
            )
            for hours in (0, 0.5, 1, 5, -1, -80)
        ]
        await self.practice.pull()

    async def slot(self, number):
        return await self.practice.world_id("Slot", self.slots[number])

    async def book(self, id="appt", slot=0, hours=0, status="booked"):
        world = await self.practice.world_id("Patient", self.patient)
        await self.practice.put(
            "operator",
            "Appointment",
            id,
            {
                "status": status,
                "start": at(hours),
                "end": at(hours + 0.5),
                "slot": [{"reference": f"Slot/{await self.slot(slot)}"}],
                "participant": [{"actor": {"reference": f"Patient/{world}"}, "status": "accepted"}],
            },
        )

    def take(self, slot=0, hours=0):
        """Somebody books the slot at the EHR itself."""
        return self.post(
            "Appointment",
            status="booked",
            start=at(hours),
            end=at(hours + 0.5),
            slot=[{"reference": f"Slot/{self.slots[slot]}"}],
            participant=[{"actor": {"reference": f"Patient/{self.other}"}, "status": "accepted"}],
        )

    async def settle(self):
        await self.practice.settle()
        while await self.following.step():
            pass
        await self.practice.settle()

    async def calls(self):
        return await self.practice.tasks("call-back")

    async def flag(self, id="appt"):
        content = await self.practice.world("Appointment", id)
        found = [e for e in content.get("extension", ()) if e["url"] == REFUSED_BY_EHR]
        return found[0]["valueReference"]["reference"] if found else ""


@pytest.fixture
async def case(process, practice):
    case = Case(process, practice)
    await case.prepare()
    return case


async def test_a_slot_taken_meanwhile_flags_the_appointment_and_asks_to_call_back(case):
    await case.book()
    case.take()
    await case.settle()
    (writeback,) = await case.practice.tasks()
    assert writeback["status"] == "failed"
    assert await case.flag() == f"Task/{writeback['id']}"
    (call,) = await case.calls()
    assert (call["status"], call["priority"]) == ("requested", "urgent")
    assert call["focus"]["reference"] == "Appointment/appt"
    assert call["for"]["reference"].endswith(await case.practice.world_id("Patient", case.patient))
    assert call["reasonReference"]["reference"] == f"Task/{writeback['id']}"
    offered = [one["valueReference"]["reference"] for one in call["input"]]
    assert offered == [f"Slot/{await case.slot(number)}" for number in (1, 2, 4, 3)], (
        "nearest first, none past"
    )
    assert call["input"][0]["valueReference"]["display"] == at(0.5)


async def test_it_is_said_once_and_the_flag_never_reaches_the_ehr(case):
    await case.book()
    case.take()
    for _ in range(3):
        await case.practice.pull()
        await case.settle()
    assert len(await case.calls()) == 1
    assert "refused-by-ehr" not in str([w["body"] for w in case.process.writes()])


async def test_slots_that_other_appointments_hold_are_not_offered(case):
    await case.book()
    await case.practice.put(
        "operator",
        "Appointment",
        "held",
        {
            "status": "proposed",
            "slot": [{"reference": f"Slot/{await case.slot(1)}"}],
            "participant": [{"status": "accepted"}],
        },
    )
    case.take()
    await case.settle()
    (call,) = await case.calls()
    assert f"Slot/{await case.slot(1)}" not in str(call["input"])


async def test_another_time_that_the_ehr_takes_settles_it(case):
    await case.book()
    case.take()
    await case.settle()
    await case.practice.pull()
    await case.book(slot=1, hours=0.5)
    await case.settle()
    assert await case.flag() == ""
    (call,) = await case.calls()
    assert call["status"] == "completed"
    assert (await case.practice.world("Appointment", "appt"))["start"] == at(0.5)
    mine = [w for w in case.process.writes() if w["type"] == "Appointment" and w["body"]["start"] == at(0.5)]
    assert len(mine) == 1


async def test_calling_the_appointment_off_calls_the_call_off(case):
    await case.book()
    case.take()
    await case.settle()
    await case.book(status="cancelled")
    await case.settle()
    assert await case.flag() == ""
    assert [call["status"] for call in await case.calls()] == ["cancelled"]


async def test_a_reschedule_that_the_ehr_refuses_is_flagged_too(case):
    await case.book()
    await case.settle()
    assert await case.flag() == "" and await case.calls() == []
    case.take(slot=2, hours=1)
    await case.book(slot=2, hours=1)
    await case.settle()
    assert await case.flag() and [call["status"] for call in await case.calls()] == ["requested"]


async def test_a_change_on_its_way_again_decides_nothing_yet(case):
    await case.book()
    case.take()
    await case.settle()
    (task,) = await case.practice.tasks()
    await case.practice.put("operator", "Task", task["id"], {**task, "status": "requested"})
    while await case.following.step():
        pass
    assert await case.flag(), "still refused, as far as anybody knows"
    assert [call["status"] for call in await case.calls()] == ["requested"]
