"""Leases: one holder at a time whatever the order of events, and a bounded time until another takes over."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.runner.lease import LEASE, MARGIN, MEMBER, Leases
from adapters.runner.process import this_process
from fhirserver.storage.memory.cells import MemoryCells

ELSEWHERE = "elsewhere/boot/1/2"


class Time:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def cells() -> MemoryCells:
    return MemoryCells()


def leases(cells: MemoryCells, time: Time, process: str = ELSEWHERE) -> Leases:
    return Leases(cells, 10.0, time, process)


async def test_one_has_it_and_another_gets_it_at_once_when_it_is_given_back(cells, time):
    one, other = leases(cells, time), leases(cells, time)
    assert await one.take("a") and not one.is_lost("a")
    assert not await other.take("a") and other.is_lost("a")
    await one.release("a")
    assert one.is_lost("a") and await other.take("a")
    assert not await one.take("a")


async def test_who_dies_without_a_word_is_followed_after_the_lease_s_seconds_of_the_other_s_clock(
    cells, time
):
    one, other = leases(cells, time), leases(cells, time)
    await one.take("a")
    time.now += 500
    assert not await other.take("a"), "it sees the lease for the first time"
    time.now += 9.9
    assert not await other.take("a")
    time.now += 0.1
    assert await other.take("a")


async def test_a_lease_that_is_renewed_is_never_free(cells, time):
    one, other = leases(cells, time), leases(cells, time)
    await one.take("a")
    for _ in range(20):
        time.now += 6
        await one.beat()
        assert not await other.take("a") and not one.is_lost("a")


async def test_work_must_stop_a_margin_before_another_may_have_the_lease(cells, time):
    one, other = leases(cells, time), leases(cells, time)
    await one.take("a")
    assert not await other.take("a")
    time.now += 10 * (1 - MARGIN)
    assert one.is_lost("a") and not await other.take("a")


async def test_a_process_that_is_surely_gone_is_not_waited_for(cells, time):
    host, boot, _, _ = this_process().split("/")
    dead = leases(cells, time, f"{host}/{boot}/999999999/1")
    await dead.beat()
    await dead.take("a")
    heir = leases(cells, time)
    await heir.beat()
    assert heir.members == 1 and await heir.take("a")
    await dead.beat()
    assert dead.is_lost("a"), "the dead one, were it to wake"


async def test_each_has_its_share_and_gets_more_when_another_leaves(cells, time):
    names = {"a", "b", "c", "d", "e"}
    one, other = leases(cells, time), leases(cells, time)
    await one.beat(), await other.beat(), await one.beat()
    await one.take_share(names), await other.take_share(names)
    assert (len(one.held), len(other.held)) == (3, 2) and one.held | other.held == names
    await one.leave()
    await other.beat()
    await other.take_share(names)
    assert other.held == names


async def test_members_that_stand_still_do_not_count_and_are_forgotten(cells, time):
    one, gone = leases(cells, time), leases(cells, time)
    await gone.beat(), await one.beat()
    assert one.members == 2
    time.now += 10
    await one.beat()
    assert one.members == 1 and len(await cells.find(MEMBER)) == 2
    time.now += 200
    await one.beat()
    assert len(await cells.find(MEMBER)) == 1


_STEPS = st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["beat", "take", "release"]), st.floats(0, 6)))


@settings(max_examples=50, deadline=None)
@given(_STEPS)
def test_never_do_two_believe_that_they_have_it(steps):
    time, cells = Time(), MemoryCells()
    all_of_them = [leases(cells, time) for _ in range(3)]

    async def play() -> None:
        for who, what, pause in steps:
            time.now += pause
            one = all_of_them[who]
            await (one.beat() if what == "beat" else getattr(one, what)("a"))
            assert sum(not each.is_lost("a") for each in all_of_them) <= 1

    asyncio.run(play())


async def test_revisions_of_a_lease_only_grow(cells, time):
    one, other = leases(cells, time), leases(cells, time)
    seen = []
    for each in (one, other, one):
        assert await each.take("a")
        await each.release("a")
        cell = await cells.read(LEASE + "a")
        seen.append(cell.revision)
    assert seen == [2, 4, 6]
