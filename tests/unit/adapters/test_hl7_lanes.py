"""Lanes: order within, freedom between, barriers across."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from adapters.hl7v2.intake.lanes import Lanes


async def test_one_lane_keeps_order_and_another_goes_on() -> None:
    lanes, done = Lanes(), list[str]()
    gate = asyncio.Event()

    async def work(name: str, keys: tuple[str, ...], wait: bool = False) -> None:
        async with lanes.enter(keys).turn():
            if wait:
                await gate.wait()
            done.append(name)

    async with asyncio.TaskGroup() as group:
        group.create_task(work("a1", ("A",), wait=True))
        group.create_task(work("a2", ("A",)))
        group.create_task(work("b1", ("B",)))
        group.create_task(work("merge", ("B", "A")))
        group.create_task(work("b2", ("B",)))
        group.create_task(work("c1", ("C",)))
        for _ in range(5):
            await asyncio.sleep(0)
        assert done == ["b1", "c1"]
        gate.set()
    assert done == ["b1", "c1", "a1", "a2", "merge", "b2"]
    assert len(lanes) == 0


async def test_who_gives_up_before_its_turn_lets_nobody_overtake() -> None:
    lanes, done = Lanes(), list[str]()
    gate = asyncio.Event()

    async def work(name: str, wait: bool = False) -> None:
        async with lanes.enter(("A",)).turn():
            if wait:
                await gate.wait()
            done.append(name)

    first = asyncio.create_task(work("1", wait=True))
    second = asyncio.create_task(work("2"))
    third = asyncio.create_task(work("3"))
    await asyncio.sleep(0)
    second.cancel()
    for _ in range(5):
        await asyncio.sleep(0)
    assert done == []
    gate.set()
    await asyncio.gather(first, third)
    assert done == ["1", "3"]
    assert len(lanes) == 0


async def test_a_failure_lets_the_next_one_go_on() -> None:
    lanes = Lanes()
    first, second = lanes.enter(("A",)), lanes.enter(("A",))
    try:
        async with first.turn():
            raise ValueError
    except ValueError:
        pass
    async with asyncio.timeout(1), second.turn():
        pass


_KEYS = st.lists(st.lists(st.sampled_from("ABCD"), min_size=1, max_size=3, unique=True), max_size=25)


@given(_KEYS, st.randoms(use_true_random=False))
def test_whatever_shares_a_lane_is_done_in_the_order_of_arrival(
    keys: list[list[str]], chance: object
) -> None:
    done: list[int] = []
    running: set[int] = set()

    async def work(lanes: Lanes, number: int) -> None:
        async with lanes.enter(keys[number]).turn():
            assert not any(set(keys[number]) & set(keys[other]) for other in running)
            running.add(number)
            for _ in range(chance.randrange(3)):  # type: ignore[attr-defined]
                await asyncio.sleep(0)
            running.discard(number)
            done.append(number)

    async def run() -> None:
        lanes = Lanes()
        await asyncio.gather(*(work(lanes, number) for number in range(len(keys))))
        assert len(lanes) == 0

    asyncio.run(run())
    for key in "ABCD":
        order = [number for number in done if key in keys[number]]
        assert order == sorted(order)
