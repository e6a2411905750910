"""The laws of the token bucket, by a clock that stands until it is moved."""

from __future__ import annotations

import asyncio
import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.runner.rate import DOUBLES, FLOOR, Rate


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
    answering(rate, time, 80)
    assert rate.per_second > 1000, "and it may grow as far as the EHR bears"


def answering(rate: Rate, time: Time, seconds: float) -> None:
    """The EHR answers all it is asked for so long."""
    for _ in range(int(seconds)):
        time.now += 1.0
        rate.answered()


@given(st.lists(st.sampled_from(["refused", "answered"]), max_size=200))
def test_the_rate_stays_between_the_floor_and_the_limit_and_recovers_in_bounded_time(events):
    time = Time()
    rate = Rate(8.0, 2, time)
    for event in events:
        before = rate.per_second
        getattr(rate, event)()
        assert FLOOR <= rate.per_second <= 8.0
        assert before / 2 - 1e-9 <= rate.per_second <= before * 2 ** (1.5 / DOUBLES) + 1e-9
        time.now += 1.5
    answering(rate, time, DOUBLES * math.log2(8.0 / FLOOR) + 2)
    assert math.isclose(rate.per_second, 8.0)


def _requests_per_second(share: float, draw: random.Random) -> float:
    """What is made of ten that are allowed where the EHR refuses a share of them by chance, over five minutes."""
    time = Time()
    rate = Rate(10.0, 5, time)
    begun, made = time.now, 0
    while time.now < begun + 300:
        time.now += rate.wait() + 1e-6
        rate.spend()
        made += 1
        sent = time.now
        time.now += 0.02
        if draw.random() < share:
            rate.refused(None, sent)
        else:
            rate.answered()
    return made / 300


@given(st.floats(0.01, 0.2), st.integers(0, 1000))
@settings(deadline=None, max_examples=10)
def test_refusals_that_have_nothing_to_do_with_the_load_leave_a_rate_to_work_with(share, seed):
    """At a fifth refused it is 4.4 a second, 1.1 more or fewer by chance: the mean of twenty runs tells."""
    draw = random.Random(seed)
    made = [_requests_per_second(share, draw) for _ in range(20)]
    assert sum(made) / len(made) > 3.0
    assert min(made) > FLOOR


@given(st.floats(2.0, 20.0), st.floats(0.5, 3.0))
@settings(deadline=None, max_examples=40)
def test_an_ehr_with_a_limit_is_soon_asked_about_as_much_as_it_allows(limit, after):
    """The EHR counts by a bucket of its own and refuses, for a while, what is more."""
    time = Time()
    rate = Rate(0.0, 10, time)
    room, filled, asked, refused, begun = limit, time.now, 0, 0, time.now
    while time.now < begun + 120:
        time.now += max(rate.wait(), 0.002)
        rate.spend()
        sent = time.now
        room, filled = min(limit, room + (time.now - filled) * limit), time.now
        late = time.now > begun + 60
        asked += late
        if room >= 1:
            room -= 1
            rate.answered()
        else:
            refused += late
            rate.refused(after, sent)
    assert asked / 60 > limit * 0.25
    assert refused / asked < 0.25


def test_what_was_sent_before_the_rate_was_lowered_does_not_lower_it_again():
    time = Time()
    rate = Rate(40.0, 10, time)
    sent = time.now
    rate.refused(None, sent)
    time.now += 5
    rate.refused(None, sent)
    assert rate.per_second == 20.0


def test_a_wait_that_the_ehr_asks_for_lowers_the_rate_once():
    time = Time()
    rate = Rate(40.0, 10, time)
    rate.refused(30)
    for _ in range(20):
        time.now += 1
        rate.refused(30 - 1)
    assert rate.per_second == 20.0


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
