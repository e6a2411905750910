"""The short form of the campaign storm: every rule holds, whatever is killed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.faults.campaign_storm.__main__ import table
from tests.faults.campaign_storm.drill import Plan, Storm

SHORT = Plan(patients=60, kills=3, pace=200, minutes=6, hasty=True)


@pytest.mark.xdist_group("voice")
def test_every_rule_holds_while_everything_is_killed(tmp_path: Path) -> None:
    outcome = asyncio.run(Storm(SHORT, tmp_path, lambda _: None).run())
    assert not outcome.verdict.faults and not outcome.trouble, table(outcome, SHORT)
    assert outcome.kills == SHORT.kills
    assert outcome.verdict.counts["tried"] > SHORT.patients / 2 and outcome.verdict.counts["called"]
