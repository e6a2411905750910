"""A sink's pace: throttling pauses everything, a run of failures opens the circuit."""

import random

from adapters.fhir.retries import RetryPolicy
from adapters.runner.pace import OPENS_AFTER, Pace
from fhirserver.ports.ehr import Retryable, Throttled, Unauthorized


def pace():
    return Pace(RetryPolicy(first=1.0, cap=8.0, random=random.Random(7)))


def test_throttling_is_kept_to():
    sink = pace()
    sink.failed(Throttled("slow down", after=3.0), now=100.0)
    assert 103.0 <= sink.free_at(100.0, 0) <= 104.0


def test_single_failures_hold_nobody_up():
    sink = pace()
    for _ in range(OPENS_AFTER - 1):
        sink.failed(Retryable("no"), now=100.0)
        assert sink.free_at(100.0, 3) <= 100.0


def test_after_a_run_of_failures_one_attempt_at_a_time_asks_whether_it_is_back():
    sink = pace()
    for _ in range(OPENS_AFTER):
        sink.failed(Retryable("no"), now=100.0)
    assert sink.until > 100.0
    assert sink.free_at(200.0, 1) > 200.0 and sink.free_at(200.0, 0) <= 200.0
    sink.answered()
    assert sink.free_at(200.0, 3) <= 200.0


def test_refused_credentials_open_the_circuit_at_once():
    sink = pace()
    sink.failed(Unauthorized("no", status=401), now=100.0)
    assert sink.free_at(200.0, 1) > 200.0


def test_the_breaker_is_closed_open_half_open_and_closed_again():
    sink = pace()
    assert sink.breaker(100.0) == "closed"
    for _ in range(OPENS_AFTER):
        sink.failed(Retryable("no"), now=100.0)
    assert (sink.breaker(100.0), sink.error) == ("open", "Retryable")
    assert sink.breaker(sink.until) == "half-open"
    sink.failed(Retryable("no"), now=200.0)
    assert sink.breaker(200.0) == "open", "a probe that fails opens it anew"
    sink.answered()
    assert (sink.breaker(200.0), sink.error) == ("closed", "")
