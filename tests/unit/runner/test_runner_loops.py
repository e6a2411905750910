"""One connector's loops against an EHR that hangs, fails, throttles or rests, and beside another that does not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.fhir.retries import RetryPolicy
from adapters.runner.hours import parse_hours
from adapters.runner.runner import Cadence, Runner
from adapters.runner.status import ask, told
from adapters.runner.writeback import Sink
from fhirserver.kernel.instants import FixedClock
from fhirserver.ports.ehr import Capabilities, Change, Gone, Health, Page, Receipt, Record, Unanswered
from fhirserver.world.policy import default_policy
from tests.unit.runner.practice import make_store

QUICK = RetryPolicy(first=0.02, cap=0.05)


class OneDoctorEhr:
    """An EHR with one Practitioner, and a switch for how it behaves. It is the port itself: what lies outside."""

    def __init__(self) -> None:
        self.hangs = self.fails = False
        self.pulls = self.pushes = self.at_once = self.most = 0

    async def _behave(self) -> None:
        if self.hangs:
            await asyncio.Event().wait()
        if self.fails:
            raise Unanswered("no answer")

    async def pull(self, cursor: Any = None) -> AsyncIterator[Page]:
        self.pulls += 1
        await self._behave()
        content = {"resourceType": "Practitioner", "name": [{"family": "Wells"}]}
        yield Page([Record("Practitioner", "d1", "1", "", content)], {"n": self.pulls})

    async def push(self, change: Change) -> Receipt:
        self.pushes += 1
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            await self._behave()
            await asyncio.sleep(0.05)
        finally:
            self.at_once -= 1
        id = change.id or f"r{self.pushes}"
        return Receipt(Record(change.type, id, "1", "", {**change.content, "id": id}))

    async def read(self, type: str, id: str) -> Record:
        raise Gone("no")

    async def find(self, type: str, system: str, value: str) -> list[Record]:
        return []

    async def health(self) -> Health:
        return Health(not self.fails, 0.0)

    async def capabilities(self) -> Capabilities:
        return Capabilities("", "", {})

    async def close(self) -> None:
        return None


@pytest.fixture
async def store(tmp_path):
    store = make_store(tmp_path / "credence.db")
    await store.open()
    yield store
    await store.close()


def runner(store, ehr, name="clinic", **more):
    more.setdefault("cadence", Cadence(pull=0.05, push=0.05))
    sink = Sink(name, "ehr", ("Practitioner", "Patient"))
    return Runner(store, default_policy(), ehr, sink, QUICK, **more)


async def until(holds, seconds=8.0):
    for _ in range(int(seconds / 0.02)):
        if holds():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it does not come about")


class Running:
    def __init__(self, *runners):
        self.runners = runners

    async def __aenter__(self):
        self.tasks = [asyncio.create_task(one.run()) for one in self.runners]

    async def __aexit__(self, *raised):
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


async def test_an_ehr_that_hangs_delays_no_other(store):
    hanging, well = OneDoctorEhr(), OneDoctorEhr()
    hanging.hangs = True
    async with Running(runner(store, hanging, "a"), runner(store, well, "b")):
        await until(lambda: well.pulls >= 5)
        assert hanging.pulls == 1


async def test_the_breaker_stops_asking_and_a_probe_closes_it(store):
    ehr = OneDoctorEhr()
    ehr.fails = True
    one = runner(store, ehr, cadence=Cadence(pull=0.005, push=0.05))
    async with Running(one):
        await until(lambda: one.pace.failures >= 6)
        cell = None
        for _ in range(100):
            cell = await told(store.storage.cells, "clinic")
            if cell and cell.value["error"]:
                break
            await asyncio.sleep(0.02)
        assert cell.value["error"] == "Unanswered" and "lastExchange" not in cell.value
        ehr.fails = False
        await until(lambda: one.pace.failures == 0)
        await until(lambda: one.doing.last_pull is not None)


async def test_outside_its_hours_changes_wait_and_a_sync_by_hand_pulls(store):
    clock = FixedClock(datetime(2026, 11, 28, 20, 0, tzinfo=UTC))
    ehr = OneDoctorEhr()
    one = runner(store, ehr, hours=parse_hours(["08:00-18:00"]), clock=clock)
    from tests.unit.runner.practice import Practice

    practice = Practice(store, ehr)
    async with Running(one):
        await practice.put("operator", "Patient", "p", {"name": [{"family": "Lane"}]})
        await asyncio.sleep(0.5)
        assert (ehr.pulls, ehr.pushes) == (0, 0)
        assert await practice.statuses() == ["requested"]
        assert (await told(store.storage.cells, "clinic")).value["state"] == "closed"
        assert await ask(store.storage.cells, "clinic") == 1
        await until(lambda: ehr.pulls == 1)
        await until(lambda: one.doing.handled == 1)
        assert ehr.pushes == 0
        clock.at = datetime(2026, 11, 29, 9, 0, tzinfo=UTC)
        await until(lambda: ehr.pushes == 1 and ehr.pulls > 1)


async def test_paused_it_asks_nothing_and_goes_on_where_it_was(store):
    ehr = OneDoctorEhr()
    one = runner(store, ehr)
    one.paused = True
    async with Running(one):
        await asyncio.sleep(0.4)
        assert ehr.pulls == 0
        one.paused = False
        await until(lambda: ehr.pulls > 1)


async def test_what_runs_ends_before_it_stops_and_nothing_new_begins(store):
    ehr = OneDoctorEhr()
    from tests.unit.runner.practice import Practice

    practice = Practice(store, ehr)
    one = runner(store, ehr, concurrency=2, cadence=Cadence(pull=60, push=0.05))
    async with Running(one):
        for n in range(20):
            await practice.put("operator", "Patient", f"p{n}", {"name": [{"family": f"Lane{n}"}]})
        await until(lambda: ehr.at_once == 2)
        await one.drain()
        begun = ehr.pushes
        assert ehr.at_once == 0
        await asyncio.sleep(0.3)
        assert ehr.pushes == begun < 20 and ehr.most == 2
    assert "in-progress" not in await practice.statuses()


async def test_what_the_next_process_tells_goes_on_from_the_last(store):
    ehr = OneDoctorEhr()
    async with Running(one := runner(store, ehr)):
        await until(lambda: one.doing.last_pull is not None)
        await asyncio.sleep(0.4)
    ehr.fails = True
    two = runner(store, ehr)
    async with Running(two):
        await until(lambda: two.doing.last_exchange is not None)
        await asyncio.sleep(0.4)
        assert "lastExchange" in (await told(store.storage.cells, "clinic")).value
