"""A few rounds of the drill; ``make faults`` has more."""

from __future__ import annotations

from pathlib import Path

from tests.faults.lease_handover import handover, report


async def test_workers_that_share_connectors_may_die(tmp_path: Path) -> None:
    outcome = await handover(tmp_path, rounds=4, kills=1, ehrs=3)
    assert outcome.kills == 1 and outcome.changes == 12
    assert not outcome.problems, report(outcome)
    assert max(outcome.handover) < 20, report(outcome)
