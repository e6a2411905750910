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
    patience = Patience(2.0, time.sleep, lambda: time.now, 100.0)
    begun = []
    async for _ in patience.tries():
        begun.append(time.now)
        time.now += 1.5  # a slow vendor
    assert begun[0] == 100.0
    assert begun[-1] >= 102.0 and all(at < 102.0 for at in begun[:-1])


async def test_without_patience_there_is_one_try():
    time = Time()
    assert [n async for n in Patience(0.0, time.sleep, lambda: time.now, 0.0).tries()] == [0]


async def test_a_new_process_waits_for_what_one_before_it_may_have_written():
    time = Time()
    patience = Patience(5.0, time.sleep, lambda: time.now, started=99.0)
    assert await patience.since()
    assert time.now == 104.0
    assert not await patience.since()
    assert await patience.since(written=103.0)
    assert time.now == 108.0
