"""The supervisor: what is wanted is at work once among all processes, follows changes, and ends in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from adapters.runner.lease import Leases
from adapters.runner.supervisor import Supervisor
from adapters.runner.work import CannotBegin, Plan
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.storage.memory.cells import MemoryCells

ELSEWHERE = "elsewhere/boot/1/2"


class Diary:
    """What works are at it now, and the most of one name that ever were at once."""

    def __init__(self) -> None:
        self.at_work: list[str] = []
        self.most = 0
        self.events: list[str] = []


class FakeWork:
    """Work whose only effect is what it writes into the diary."""

    def __init__(self, diary: Diary, name: str, version: str):
        self.diary, self.name, self.version, self.paused = diary, name, version, False

    async def run(self) -> None:
        self.diary.at_work.append(self.name)
        self.diary.most = max(self.diary.most, self.diary.at_work.count(self.name))
        self.diary.events.append(f"run {self.name} {self.version}")
        try:
            await asyncio.Event().wait()
        finally:
            self.diary.at_work.remove(self.name)

    async def drain(self) -> None:
        self.diary.events.append(f"drain {self.name}")

    async def close(self) -> None:
        self.diary.events.append(f"close {self.name}")


class Process:
    """One process's supervisor over shared cells and wishes."""

    def __init__(
        self, cells: object, wishes: dict[str, tuple[str, bool]], diary: Diary, seconds: float = 1.0
    ):
        self.cells, self.wishes, self.diary = cells, wishes, diary
        self.leases = Leases(cells, seconds, process=ELSEWHERE)  # type: ignore[arg-type]
        self.supervisor = Supervisor(self.leases, self._wanted)

    async def _wanted(self) -> dict[str, Plan]:
        return {
            name: Plan(
                name, version, lambda name=name, version=version: FakeWork(self.diary, name, version), paused
            )  # type: ignore[misc]
            for name, (version, paused) in self.wishes.items()
        }

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.Task[None]]:
        task = asyncio.create_task(self.supervisor.run())
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def until(holds, seconds=8.0):
    for _ in range(int(seconds / 0.02)):
        if holds():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it does not come about")


def wishes(*names):
    return dict.fromkeys(names, ("1", False))


async def test_five_are_shared_by_two_and_each_is_at_work_once():
    cells, diary, wanted = MemoryCells(), Diary(), wishes("a", "b", "c", "d", "e")
    one, other = Process(cells, wanted, diary), Process(cells, wanted, diary)
    async with one.running(), other.running():
        await until(
            lambda: (
                {len(p.supervisor.working) for p in (one, other)} == {2, 3}
                and sorted(diary.at_work) == sorted(wanted)
            )
        )
        assert diary.most == 1
    assert diary.at_work == []


async def test_what_one_leaves_in_order_the_other_has_at_once():
    cells, diary, wanted = MemoryCells(), Diary(), wishes("a", "b")
    one, other = Process(cells, wanted, diary, 60.0), Process(cells, wanted, diary, 60.0)
    async with other.running():
        async with one.running():
            await until(lambda: one.supervisor.working and other.supervisor.working)
        await until(lambda: other.supervisor.working == {"a", "b"}, 3.0)
    assert diary.most == 1


async def test_a_change_of_settings_begins_anew_and_a_pause_does_not():
    diary, wanted = Diary(), wishes("a")
    process = Process(MemoryCells(), wanted, diary)
    async with process.running():
        await until(lambda: diary.at_work == ["a"])
        wanted["a"] = ("1", True)
        await until(lambda: process.supervisor.work("a").paused)
        assert diary.events == ["run a 1"]
        wanted["a"] = ("2", False)
        await until(lambda: "run a 2" in diary.events)
        assert diary.events == ["run a 1", "drain a", "close a", "run a 2"]
        del wanted["a"]
        await until(lambda: diary.at_work == [])


class Failing(MemoryCells):
    """Cells of a storage that does not answer for a while."""

    down = False

    async def swap(self, *given):
        if self.down:
            raise refuse(Category.BUSY, "transient", "no answer")
        return await super().swap(*given)


async def test_work_stops_before_another_may_have_the_lease_when_the_storage_does_not_answer():
    cells, diary, wanted = Failing(), Diary(), wishes("a")
    process = Process(cells, wanted, diary)
    async with process.running():
        await until(lambda: diary.at_work == ["a"])
        other = Leases(cells, 1.0, process=ELSEWHERE)
        assert not await other.take("a")
        cells.down = True
        await until(lambda: diary.at_work == [], 1.0)
        assert not other._is_free(await cells.read("lease/a"))
        cells.down = False
        await until(lambda: diary.at_work == ["a"] or "a" in other.held, 5.0)
    assert diary.most == 1


async def test_one_that_cannot_begin_holds_up_no_other():
    diary = Diary()

    def broken():
        raise ValueError("no such secret")

    async def wanted():
        return {"a": Plan("a", "1", broken), "b": Plan("b", "1", lambda: FakeWork(diary, "b", "1"))}

    supervisor = Supervisor(Leases(MemoryCells(), 1.0, process=ELSEWHERE), wanted)
    task = asyncio.create_task(supervisor.run())
    await until(lambda: diary.at_work == ["b"])
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


class Helped(Process):
    """One whose connectors may be assisted with."""

    async def _wanted(self) -> dict[str, Plan]:
        def assistant(name, version):
            return lambda: FakeWork(self.diary, f"help {name}", version)

        plans = await super()._wanted()
        return {
            name: Plan(name, plan.version, plan.make, plan.paused, assistant(name, plan.version))
            for name, plan in plans.items()
        }


async def test_who_has_not_the_lease_assists_and_begins_anew_with_other_settings():
    cells, diary, wanted = MemoryCells(), Diary(), wishes("a")
    one, other = Helped(cells, wanted, diary), Helped(cells, wanted, diary)
    async with one.running(), other.running():
        await until(lambda: sorted(diary.at_work) == ["a", "help a"])
        wanted["a"] = ("2", False)
        await until(lambda: {"run a 2", "run help a 2"} <= set(diary.events))
        assert "close help a" in diary.events and "drain help a" in diary.events
        await until(lambda: sorted(diary.at_work) == ["a", "help a"])
        del wanted["a"]
        await until(lambda: diary.at_work == [])
    assert diary.most == 1


async def test_who_assisted_takes_over():
    cells, diary, wanted = MemoryCells(), Diary(), wishes("a")
    one, other = Helped(cells, wanted, diary, 60.0), Helped(cells, wanted, diary, 60.0)
    async with AsyncExitStack() as first:
        await first.enter_async_context(one.running())
        await until(lambda: diary.at_work == ["a"])
        async with other.running():
            await until(lambda: sorted(diary.at_work) == ["a", "help a"])
            await first.aclose()
            await until(lambda: diary.at_work == ["a"] and other.supervisor.working == {"a"}, 3.0)
    assert diary.at_work == [] and diary.most == 1


async def test_what_cannot_begin_is_told_once_and_tried_again_until_it_can():
    told: list[tuple[str, str]] = []
    diary, missing = Diary(), True

    def make() -> FakeWork:
        if missing:
            raise CannotBegin("there is no secret 'token'")
        return FakeWork(diary, "a", "1")

    async def wanted() -> dict[str, Plan]:
        return {"a": Plan("a", "1", make)}  # type: ignore[arg-type]

    async def unable(name: str, problem: str) -> None:
        told.append((name, problem))

    supervisor = Supervisor(Leases(MemoryCells(), 1.0, process=ELSEWHERE), wanted, unable)
    await supervisor.turn()
    await supervisor.turn()
    assert told == [("a", "there is no secret 'token'")]
    missing = False
    await supervisor.turn()
    await until(lambda: diary.at_work == ["a"])
    work = asyncio.create_task(supervisor.run())
    await asyncio.sleep(0)
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
