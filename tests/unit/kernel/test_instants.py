"""Instants at the ends of time."""

from __future__ import annotations

import pytest

from fhirserver.kernel.instants import comparable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024", "2024-01-01T00:00:00.000Z"),
        ("0001-01-01", "0001-01-01T00:00:00.000Z"),
        ("2024-02-29T23:30:00.1239-01:00", "2024-03-01T00:30:00.123Z"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59.000Z"),
    ],
)
def test_text_order_is_time_order(text: str, expected: str) -> None:
    assert comparable(text) == expected


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "10000", "x"])
def test_outside_the_calendar_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):
        comparable(text)
