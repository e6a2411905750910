"""A time as people say it."""

from __future__ import annotations

import pytest

from fhirserver.kernel.instants import span


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (1, "1 second"),
        (60, "1 minute"),
        (90, "90 seconds"),
        (130, "3 minutes"),
        (900, "15 minutes"),
        (3600, "1 hour"),
        (5400, "90 minutes"),
        (7300, "3 hours"),
        (28800, "8 hours"),
    ],
)
def test_whole_units_from_two_on(seconds: int, said: str) -> None:
    assert span(seconds) == said
