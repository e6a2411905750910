"""Two hundred want one slot."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.booking_race import race
from tests.server_process import ServerProcess


@pytest.mark.parametrize("workers", [pytest.param(1, marks=pytest.mark.slow), 2])
async def test_exactly_one_of_two_hundred_bookings_wins(tmp_path: Path, workers: int) -> None:
    with ServerProcess(tmp_path, workers=workers) as server:
        outcome = await race(server, 200)
    assert outcome.problems == []
    assert outcome.statuses[200] == 1
    assert outcome.statuses[409] + outcome.statuses[412] == 199
