"""The storm of tests/faults/writeback_storm.py, small enough for every run."""

import pytest

from tests.faults.writeback_storm import report, storm


@pytest.mark.parametrize("kills", [0, 2], ids=["", "with kill -9"])
async def test_thirty_changes_reach_a_failing_ehr_once_each(tmp_path, kills):
    outcome = await storm(tmp_path, 30, down=1.5, limit=100, kills=kills)
    assert not outcome.problems, report(outcome)
    assert (outcome.arrived, outcome.accepted) == (30, 30)
