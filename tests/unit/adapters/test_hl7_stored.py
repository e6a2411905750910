"""A listener that answers what it has stored: nothing is lost, nothing happens twice, patients keep their order."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from adapters.hl7v2.intake.archive import Archive
from adapters.hl7v2.intake.backlog import Backlog
from adapters.hl7v2.intake.ingest import Rejected
from adapters.hl7v2.intake.reception import Reading
from adapters.hl7v2.intake.record import CONTROL, FAILED, RECEIVED, WAITING
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.storage.memory.storage import MemoryStorage
from fhirserver.store.followers import Following
from fhirserver.store.state import Policies
from fhirserver.store.store import Store
from tests.unit.adapters.test_hl7_reception import SOURCES, Desk, adt

STORES = Reading("lab", "lab-feed", stores=True)


class Storing(Desk):
    """A reception that answers what is stored, and its backlog."""

    def __init__(self, store: Store):
        super().__init__(store)
        self.reception = self.with_reading(STORES)
        self.backlog = Backlog(store, "lab", "lab-feed", self.reception)
        self.following = Following(store, self.backlog, "lab-feed")

    async def work_off(self) -> None:
        await self.backlog.begin()
        while await self.following.step():
            pass

    async def send(self, raw: bytes) -> list[str]:
        self.clock.at += timedelta(milliseconds=7)
        return await super().send(raw)


@pytest.fixture
async def desk():
    store = Store(MemoryStorage(), Policies(SOURCES, lambda resource: []))
    await store.open()
    yield Storing(store)
    await store.close()


async def test_it_is_answered_when_it_is_stored_and_taken_in_afterwards(desk):
    assert await desk.send(adt("1")) == ["AA 1"]
    assert await desk.kept() == 0
    (waiting,) = await Archive(desk.store).by_control_id("lab", "1")
    assert waiting.code == "CA" and waiting.raw == adt("1") and not waiting.open
    await desk.work_off()
    assert await desk.kept() == 1
    (taken,) = await Archive(desk.store).by_control_id("lab", "1")
    assert taken.code == "AA" and taken.key == waiting.key
    assert await desk.facts(WAITING) == [{"waiting": False}] and await desk.facts(FAILED) == []


async def test_a_repeat_is_answered_the_same_and_has_no_second_effect(desk):
    first = await desk.reception.receive(adt("1"))
    desk.clock.at += timedelta(seconds=3)
    assert await desk.reception.receive(adt("1")) == first
    await desk.work_off()
    assert await desk.reception.receive(adt("1")) == first
    await desk.work_off()
    assert await desk.kept() == 1 and len(await desk.facts(RECEIVED)) == 1


async def test_the_same_id_with_other_bytes_is_refused_while_the_first_one_waits(desk):
    assert await desk.send(adt("1")) == ["AA 1"]
    (answer,) = await desk.send(adt("1", patient="8"))
    assert answer.startswith("AE 1 205")
    await desk.work_off()
    assert await desk.kept() == 1
    (failed,) = await desk.facts(FAILED)
    assert failed["open"]


async def test_those_of_one_patient_keep_their_order(desk):
    desk.ingest.delays = {"1": 0.05, "3": 0.02}
    for id, patient in (("1", "7"), ("2", "7"), ("3", "8"), ("4", "7"), ("5", "8")):
        assert await desk.send(adt(id, patient=patient)) == [f"AA {id}"]
    await desk.work_off()
    order = desk.ingest.order
    assert [id for id in order if id in "124"] == ["1", "2", "4"]
    assert [id for id in order if id in "35"] == ["3", "5"] and order[0] != "5"


async def test_what_fails_is_a_failure_with_its_bytes_and_holds_up_nobody(desk):
    await desk.send(adt("1"))
    await desk.send(adt("2", patient="8"))
    desk.ingest.errors = [Rejected("AE", "102", "PID-7", "no date")]
    await desk.work_off()
    (failed,) = await desk.facts(FAILED)
    assert (failed["open"], failed["place"], failed["code"]) == (True, "PID-7", "AE") and failed["raw"]
    assert await desk.kept() == 1
    assert [one["waiting"] for one in await desk.facts(WAITING)] == [False, False]
    assert await desk.send(adt(failed["control"], patient="7" if failed["control"] == "1" else "8")) == [
        f"AA {failed['control']}"
    ]
    await desk.work_off()
    assert await desk.kept() == 2 and [one["open"] for one in await desk.facts(FAILED)] == [False]


async def test_another_process_goes_on_where_one_ended(desk):
    for number in range(5):
        await desk.send(adt(str(number), patient=str(number)))
    desk.ingest.errors = [asyncio.CancelledError()]
    with pytest.raises(asyncio.CancelledError):
        await desk.work_off()
    after = Storing(desk.store)
    await after.work_off()
    await Storing(desk.store).work_off()
    assert await desk.kept() == 5 and len(await desk.facts(RECEIVED)) == 5


async def test_what_cannot_be_made_durable_waits_on(desk):
    await desk.send(adt("1"))
    submit, busy = desk.store.submit, True

    async def failing(command):
        if busy:
            raise refuse(Category.BUSY, "transient", "no answer")
        return await submit(command)

    await desk.backlog.begin()
    working = asyncio.create_task(desk.work_off())
    desk.store.submit = failing
    await asyncio.sleep(0.3)
    assert not working.done() and await desk.kept() == 0
    busy = False
    await asyncio.wait_for(working, 5)
    assert await desk.kept() == 1 and await desk.facts(FAILED) == []


async def test_a_conflict_with_others_is_no_repeat(desk):
    await desk.send(adt("1"))
    desk.ingest.errors = [refuse(Category.CONFLICT, "conflict", "somebody was faster")]
    await desk.work_off()
    assert await desk.kept() == 1 and len(await desk.facts(RECEIVED)) == 1


async def test_arrivals_go_before_what_waits_for_a_bounded_time(desk):
    reception = desk.reception
    reception._arriving = 1
    begun = asyncio.get_running_loop().time()
    await asyncio.wait_for(reception._between_arrivals(), 5)
    assert asyncio.get_running_loop().time() - begun > 0.02
    reception._arriving = 0
    await asyncio.wait_for(reception._between_arrivals(), 0.01)


async def test_what_stays_when_the_setting_is_taken_back_is_taken_in(desk):
    await desk.send(adt("1"))
    plain = Desk(desk.store)
    backlog = Backlog(desk.store, "lab", "lab-feed", plain.reception, stores=False)
    task = asyncio.create_task(backlog.run())
    for _ in range(200):
        if await desk.kept():
            break
        await asyncio.sleep(0.01)
    task.cancel()
    assert await desk.kept() == 1


async def test_a_slow_reading_of_the_record_changes_no_order(desk):
    for id in "12":
        await desk.send(adt(id))
    fact = desk.store.fact

    async def slow(kind, key):
        await asyncio.sleep(0.05 if kind == CONTROL and "/1/" in key else 0)
        return await fact(kind, key)

    desk.store.fact = slow
    await desk.work_off()
    assert desk.ingest.order == ["1", "2"]


async def test_what_cannot_be_made_durable_holds_up_its_patient_and_nobody_else(desk):
    for id, patient in (("1", "7"), ("2", "7"), ("3", "8")):
        await desk.send(adt(id, patient=patient))
    desk.ingest.errors = [refuse(Category.BUSY, "transient", "no answer")]
    await desk.work_off()
    order = desk.ingest.order
    assert [id for id in order if id in "12"] == ["1", "1", "2"] and order.index("3") < 3
    assert await desk.kept() == 3


async def test_a_fault_of_ours_is_kept_as_a_failure(desk, monkeypatch):
    def stumble(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(desk.reception, "_check", stumble)
    (answer,) = await desk.send(adt("1"))
    assert answer.startswith("AE 1 207")
    (failed,) = await desk.facts(FAILED)
    assert failed["open"] and failed["raw"]
