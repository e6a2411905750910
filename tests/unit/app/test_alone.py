"""A loop that one process at a time runs: who has it, and when another one goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from adapters.runner.lease import LEASE, Leases
from fhirserver.app.alone import alone
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.storage.memory.cells import MemoryCells

ELSEWHERE = "elsewhere/boot/1/2"
SECONDS = 1.0


class Work:
    """Notes when it is at work."""

    def __init__(self) -> None:
        self.at_work: set[str] = set()
        self.begun: list[str] = []

    def of(self, name: str) -> Callable[[], object]:
        async def run() -> None:
            assert not self.at_work, "two are at work at once"
            self.at_work.add(name)
            self.begun.append(name)
            try:
                await asyncio.Event().wait()
            finally:
                self.at_work.discard(name)

        return run

    def start(self, cells: MemoryCells, name: str) -> asyncio.Task[None]:
        return asyncio.create_task(alone("hooks", Leases(cells, SECONDS, process=ELSEWHERE), self.of(name)))  # type: ignore[arg-type]

    async def until(self, *begun: str) -> None:
        async with asyncio.timeout(SECONDS * 4):
            while self.begun != list(begun) or not self.at_work:
                await asyncio.sleep(0.01)


class Broken(MemoryCells):
    """Cells of a database that is not reached for a while."""

    gone = False

    async def read(self, key: str):  # type: ignore[no-untyped-def]
        if self.gone:
            raise refuse(Category.BUSY, "transient", "not reached")
        return await super().read(key)


@pytest.fixture
def work() -> Work:
    return Work()


async def ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_one_works_and_the_next_one_at_once_when_it_ends_in_order(work: Work) -> None:
    cells = MemoryCells()
    first = work.start(cells, "first")
    await work.until("first")
    second = work.start(cells, "second")
    await asyncio.sleep(SECONDS * 1.5)
    assert work.begun == ["first"], "a lease that is renewed is nobody else's"
    await ended(first)
    await work.until("first", "second")
    await ended(second)
    assert not work.at_work


async def test_who_dies_without_a_word_is_followed_within_the_lease(work: Work) -> None:
    cells = MemoryCells()
    dead = Leases(cells, SECONDS, process=ELSEWHERE)
    assert await dead.take("hooks")
    began = asyncio.get_running_loop().time()
    task = work.start(cells, "heir")
    await work.until("heir")
    waited = asyncio.get_running_loop().time() - began
    assert SECONDS * 0.9 <= waited <= SECONDS * 2
    await ended(task)


async def test_who_cannot_renew_stops_before_another_may_begin(work: Work) -> None:
    cells = Broken()
    first = work.start(cells, "first")
    await work.until("first")
    cells.gone = True
    async with asyncio.timeout(SECONDS):
        while work.at_work:
            await asyncio.sleep(0.01)
    cells.gone = False
    await work.until("first", "first")
    await ended(first)


async def test_who_lost_it_to_another_stops(work: Work) -> None:
    cells = MemoryCells()
    task = work.start(cells, "first")
    await work.until("first")
    while True:
        seen = await cells.read(f"{LEASE}hooks")
        assert seen is not None
        taken = {"holder": "other", "process": ELSEWHERE, "seconds": 60.0}
        if await cells.swap(seen.key, seen.revision, taken):
            break
    async with asyncio.timeout(SECONDS * 2):
        while work.at_work:
            await asyncio.sleep(0.01)
    await ended(task)


async def test_work_that_fails_ends_the_loop_with_its_reason(work: Work) -> None:
    async def fails() -> None:
        raise ValueError("no more")

    cells = MemoryCells()
    with pytest.raises(ValueError, match="no more"):
        await alone("hooks", Leases(cells, SECONDS), fails)
    assert await Leases(cells, SECONDS).take("hooks"), "it is given back"
