"""The laws of the token bucket, by a clock that stands until it is moved."""

from __future__ import annotations

import asyncio
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.runner.rate import FLOOR, Rate


class Time:
    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now


def grants(rate: Rate, time: Time, seconds: float) -> list[float]:
    """When requests are made by somebody who wants one all the time."""
    made, end = [], time.now + seconds
    while time.now < end:
        while rate.wait() <= 0:
            rate.spend()
            made.append(time.now)
        time.now += rate.wait() + 1e-7
    return made


@given(st.floats(0.5, 50), st.integers(1, 20), st.floats(0.5, 8))
def test_no_window_of_time_has_more_than_the_burst_and_what_the_rate_gives(most, burst, seconds):
    time = Time()
    made = grants(Rate(most, burst, time), time, seconds)
    for first, at in enumerate(made):
        for last in range(first, len(made)):
            assert last - first + 1 <= burst + (made[last] - at) * most + 1e-3
    assert len(made) >= burst + int(seconds * most * 0.99) - 1, "and none is kept back for nothing"


def test_a_pause_saves_up_no_more_than_the_burst():
    time = Time()
    rate = Rate(2.0, 5, time)
    time.now += 1000
    assert len(grants(rate, time, 0.1)) == 5


def test_no_limit_is_none():
    time = Time()
    rate = Rate(0.0, 1, time)
    for _ in range(1000):
        assert rate.wait() == 0
        rate.spend()


@given(st.floats(0.01, 300))
def test_nothing_is_asked_before_the_ehr_allows_it(after):
    time = Time()
    rate = Rate(100.0, 10, time)
    rate.refused(after)
    assert rate.wait() == pytest.approx(after)
    time.now += after * 0.99
    assert rate.wait() > 0


def test_a_refusal_halves_the_rate_and_those_of_one_burst_count_once():
    time = Time()
    rate = Rate(40.0, 10, time)
    for _ in range(10):
        rate.refused()
    assert rate.per_second == 20.0
    time.now += 2
    rate.refused()
    assert rate.per_second == 10.0


def test_without_a_limit_what_was_observed_is_halved():
    time = Time()
    rate = Rate(0.0, 10, time)
    for _ in range(100):
        rate.spend()
        time.now += 0.05
    rate.refused()
    assert 9 <= rate.per_second <= 11
    for _ in range(1000):
        rate.answered()
    assert rate.per_second > 1000, "and it may creep up as far as the EHR bears"


@given(st.lists(st.sampled_from(["refused", "answered"]), max_size=200))
def test_the_rate_stays_between_the_floor_and_the_limit_and_creeps(events):
    time = Time()
    rate = Rate(8.0, 2, time)
    for event in events:
        before = rate.per_second
        getattr(rate, event)()
        assert FLOOR <= rate.per_second <= 8.0
        assert rate.per_second <= before * 1.021
        time.now += 1.5
    for _ in range(300):
        rate.answered()
    assert math.isclose(rate.per_second, 8.0)


async def test_those_who_wait_are_served_in_order():
    rate, served = Rate(200.0, 1), []

    async def one(number: int) -> None:
        await rate.request()
        served.append(number)

    await asyncio.gather(*(one(number) for number in range(12)))
    assert served == list(range(12))


async def test_one_that_waits_is_told_of_a_refusal_meanwhile():
    rate = Rate(20.0, 1)
    await rate.request()
    waiting = asyncio.create_task(rate.request())
    await asyncio.sleep(0.01)
    rate.refused(0.2)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(waiting), 0.12)
    await waiting
