"""A few rounds of the drill; ``python -m tests.faults.lease_handover`` has more."""

from __future__ import annotations

from pathlib import Path

from tests.faults.lease_handover import handover, report


async def test_workers_that_share_connectors_may_die(tmp_path: Path) -> None:
    outcome = await handover(tmp_path, rounds=6, kills=2, ehrs=5)
    assert outcome.kills == 2 and outcome.changes == 30
    assert not outcome.problems, report(outcome)
    assert max(outcome.handover) < 20, report(outcome)
