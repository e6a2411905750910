"""Waiting until a vendor shows a write."""

from __future__ import annotations

from adapters.rest.patience import Patience


class Time:
    def __init__(self) -> None:
        self.now = 100.0

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


async def test_the_last_try_begins_when_the_time_is_over_however_long_the_others_took():
    time = Time()
    patience = Patience(2.0, time.sleep, lambda: time.now)
    begun = []
    async for _ in patience.tries():
        begun.append(time.now)
        time.now += 1.5  # a slow vendor
    assert begun[0] == 100.0
    assert begun[-1] >= 102.0 and all(at < 102.0 for at in begun[:-1])


async def test_without_patience_there_is_one_try():
    time = Time()
    assert [n async for n in Patience(0.0, time.sleep, lambda: time.now).tries()] == [0]


async def test_it_waits_for_what_may_have_been_written_before_and_only_as_long_as_that_takes():
    time = Time()
    patience = Patience(5.0, time.sleep, lambda: time.now)
    assert not await patience.since(None)
    assert not await patience.since(5.0)
    assert await patience.since(1.0)
    assert time.now == 104.0
