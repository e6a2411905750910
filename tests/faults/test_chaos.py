"""A small run of the drill; ``make chaos`` is the long one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.chaos.__main__ import report
from tests.faults.chaos.drill import Plan, chaos


@pytest.mark.slow
async def test_three_ehrs_and_the_world_agree_after_faults_and_kills(tmp_path: Path) -> None:
    plan = Plan(seconds=120, bookings=10, kills=2, kill_every=6, rate=0.2, pause=0.4, slots=96, drain=120)
    outcome = await chaos(tmp_path, plan)
    assert outcome.kills == 2 and len(outcome.memory.bookings) >= 10, report(outcome)
    assert not outcome.problems, report(outcome)
