"""Writes to a flaky EHR in a process of its own: all arrive, none twice."""

import asyncio
import dataclasses
from collections import Counter

import pytest

from adapters.fhir.retries import RetryPolicy
from fhirserver.ports.ehr import Change, Conflict, EhrError, Operation, Retryable
from tests.unit.adapters.simulated_ehr import SimulatedEhrProcess

FLAKY = {"error_rate": 0.3, "cut_rate": 0.1, "throttle_rate": 0.05, "retry_after": 0.05}
FLAG = {"resourceType": "Flag", "status": "active", "code": {"text": "x"}}
QUICK = RetryPolicy(first=0.02, cap=0.3, attempts=200)


@pytest.fixture
async def process(tmp_path, request):
    arguments = getattr(request, "param", [])
    with SimulatedEhrProcess(tmp_path / "ehr.db", *arguments) as process:
        yield process


@pytest.fixture
async def ehr(process):
    ehr = process.adapter()
    yield ehr
    await ehr.close()


async def deliver(ehr, change):
    """What the runner does with one change: retry by the policy, decide again on a conflict."""
    attempt = 0
    while True:
        attempt += 1
        try:
            return await ehr.push(dataclasses.replace(change, attempt=attempt))
        except Retryable as error:
            assert not QUICK.gives_up(attempt, error), "it never arrived"
            await asyncio.sleep(QUICK.delay(attempt, error))
        except Conflict as conflict:
            if conflict.current is not None:
                change = dataclasses.replace(change, version=conflict.current.version)


def create(number):
    return Change(Operation.CREATE, "Flag", f"create-{number}", FLAG)


def update(record):
    content = {**record.content, "status": "inactive"}
    return Change(Operation.UPDATE, "Flag", f"update-{record.id}", content, record.id, record.version)


@pytest.mark.parametrize("process", [[], ["--bare"]], ids=["conditional", "bare"], indirect=True)
async def test_sixty_creates_and_sixty_updates_arrive_once_each(process, ehr):
    process.faults(**FLAKY, conflict_rate=0.05, precondition_rate=0.05, latency=0.001, jitter=0.01)
    outage = asyncio.get_running_loop().call_later(0.3, lambda: process.faults(down=2))
    made = await asyncio.gather(*(deliver(ehr, create(number)) for number in range(60)))
    await asyncio.gather(*(deliver(ehr, update(receipt.record)) for receipt in made))
    assert outage.when() < asyncio.get_running_loop().time(), "the outage must have fallen into the run"
    writes = Counter((w["method"], w["id"]) for w in process.writes())
    assert process.state()["repeated"] == []
    assert len(writes) == 120 and set(writes.values()) == {1}
    process.faults(reset=True)
    held = process.resources("Flag")
    assert sorted(mark["value"] for flag in held for mark in flag["identifier"]) == sorted(
        f"create-{number}" for number in range(60)
    )
    assert {(flag["status"], flag["meta"]["versionId"]) for flag in held} == {("inactive", "2")}


async def test_one_slot_for_many_bookings_over_a_flaky_line(process, ehr):
    slot = process.resources("Slot", status="free", _count="1")[0]
    process.faults(**FLAKY)
    content = {
        "resourceType": "Appointment",
        "status": "booked",
        "slot": [{"reference": f"Slot/{slot['id']}"}],
        "start": slot["start"],
        "end": slot["end"],
        "participant": [{"status": "accepted"}],
    }

    async def book(number):
        change = Change(Operation.CREATE, "Appointment", f"booking-{number}", content)
        for attempt in range(1, 200):
            try:
                return await ehr.push(dataclasses.replace(change, attempt=attempt))
            except Retryable as error:
                await asyncio.sleep(QUICK.delay(attempt, error))
            except EhrError as error:
                return error
        raise AssertionError("no end")

    outcomes = await asyncio.gather(*(book(number) for number in range(20)))
    assert sum(not isinstance(outcome, EhrError) for outcome in outcomes) == 1
    assert all(type(o) is Conflict for o in outcomes if isinstance(o, EhrError))
    assert len([w for w in process.writes() if w["type"] == "Appointment"]) == 1


async def test_changes_made_while_pulls_go_on_are_all_seen(process, ehr):
    process.faults(**FLAKY)
    puller = process.adapter(types=("Patient", "Flag"), page_size=10)
    writing = asyncio.gather(*(deliver(ehr, create(number)) for number in range(60)))
    seen, cursor = Counter(), None
    while True:
        last = writing.done()
        async for page in puller.pull(cursor):
            seen.update((r.type, r.id, r.version) for r in page.records)
            cursor = page.cursor
        if last:
            break
    process.faults(reset=True)
    assert {id for type, id, _ in seen if type == "Flag"} == {f["id"] for f in process.resources("Flag")}
    assert set(seen.values()) == {1}, "with its cursor a pull hands nothing out twice"
    await puller.close()


async def test_a_kill_of_the_ehr_in_the_middle_costs_nothing(process, ehr):
    port = int(process.root.rpartition(":")[2])
    process.faults(cut_rate=0.1, latency=0.01)
    delivering = asyncio.gather(*(deliver(ehr, create(number)) for number in range(60)))
    await asyncio.sleep(0.1)
    process.kill()
    await asyncio.sleep(0.2)
    process.start(port)
    await delivering
    assert len(process.writes()) == 60 and process.state()["repeated"] == []
