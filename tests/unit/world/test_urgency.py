"""Priorities by reason and by the time that is left."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhirserver.kernel.instants import instant, parse_instant
from fhirserver.world.urgency import PRIORITIES, next_rise, priority, reasons

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("codes", "hours", "expected"),
    [
        ((), None, "routine"),
        (("doubtful",), 73, "routine"),
        (("doubtful",), 72, "urgent"),
        (("doubtful",), 24, "asap"),
        (("doubtful",), 2, "stat"),
        (("doubtful",), -5, "stat"),
        (("contradicted",), None, "urgent"),
        (("doubtful", "refused-by-sink"), 100, "urgent"),
        (("contradicted",), 20, "asap"),
    ],
)
def test_the_greater_of_reason_and_time(codes: tuple[str, ...], hours: float | None, expected: str) -> None:
    due = "" if hours is None else instant(NOW + timedelta(hours=hours))
    assert priority(codes, due, instant(NOW)) == expected


def test_reasons_once_each_the_gravest_first() -> None:
    assert reasons(["", "doubtful", "refused", "verified", "contradicted", "doubtful"]) == [
        "contradicted",
        "refused-by-sink",
        "doubtful",
        "below-gate",
    ]


@settings(max_examples=60, deadline=None)
@given(st.integers(-10_000, 10_000))
def test_the_priority_rises_just_at_the_next_rise(minutes: int) -> None:
    """It never falls while time passes, and changes at no other instant than those that are told."""
    due, at = instant(NOW + timedelta(minutes=minutes)), NOW
    seen = [priority((), due, instant(at))]
    while rise := next_rise(due, at):
        before = parse_instant(rise) - timedelta(milliseconds=1)
        assert priority((), due, instant(before)) == seen[-1] or before < at
        at = parse_instant(rise)
        seen.append(priority((), due, rise))
    order = [PRIORITIES.index(word) for word in seen]
    assert order == sorted(set(order)) and seen[-1] == "stat"
