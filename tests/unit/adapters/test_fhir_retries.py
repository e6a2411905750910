import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.fhir.retries import RetryPolicy
from fhirserver.ports.ehr import Conflict, Retryable, Throttled, Unanswered


class Sleeps(list):
    async def __call__(self, seconds):
        self.append(seconds)


def failing(*errors):
    left = list(errors)

    async def work():
        if left:
            raise left.pop(0)
        return "done"

    return work


def policy(**settings):
    return RetryPolicy(random=random.Random(3), **settings)


async def test_it_tries_until_it_succeeds():
    sleeps = Sleeps()
    work = failing(Unanswered("cut"), Retryable("busy", status=503), Throttled("slow down", status=429))
    assert await policy().retrying(sleeps)(work) == "done"
    assert len(sleeps) == 3


async def test_other_errors_are_not_retried():
    sleeps = Sleeps()
    with pytest.raises(Conflict):
        await policy().retrying(sleeps)(failing(Conflict("changed")))
    assert sleeps == []


async def test_it_gives_up_with_the_last_error():
    sleeps = Sleeps()
    with pytest.raises(Retryable, match="third"):
        await policy(attempts=3).retrying(sleeps)(
            failing(*(Retryable(n) for n in ("first", "second", "third")))
        )
    assert len(sleeps) == 2


async def test_it_waits_as_long_as_the_ehr_asks():
    sleeps = Sleeps()
    await policy(first=0.5).retrying(sleeps)(failing(Throttled("slow down", after=20.0)))
    assert 20.0 <= sleeps[0] <= 20.5


async def test_it_hands_back_a_wait_that_is_too_long():
    sleeps = Sleeps()
    with pytest.raises(Throttled):
        await policy(patience=60).retrying(sleeps)(failing(Throttled("slow down", after=3600.0)))
    assert sleeps == []


@given(st.integers(1, 5000), st.floats(0.001, 10), st.floats(0.001, 100), st.integers(0, 1000))
def test_waits_are_drawn_below_a_growing_cap(attempt, first, cap, seed):
    wait = RetryPolicy(first=first, cap=cap, random=random.Random(seed)).delay(attempt)
    assert 0 <= wait <= min(cap, first * 2 ** min(attempt - 1, 60))


@given(st.floats(0, 10_000), st.integers(1, 100), st.integers(0, 1000))
def test_it_never_comes_before_it_is_asked_to(after, attempt, seed):
    drawn = RetryPolicy(random=random.Random(seed))
    assert drawn.delay(attempt, Retryable("busy", after=after)) >= after


def test_waits_differ_between_clients():
    waits = {round(RetryPolicy(random=random.Random(n)).delay(6), 6) for n in range(100)}
    assert len(waits) == 100 and min(waits) < 4 < 8 < max(waits)
