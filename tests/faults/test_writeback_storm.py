"""The storm of tests/faults/writeback_storm.py, small enough for every run."""

import pytest

from tests.faults.writeback_storm import report, storm


@pytest.mark.parametrize(
    ("count", "kills", "bare"),
    [
        pytest.param(20, 0, False, id="", marks=pytest.mark.slow),
        pytest.param(20, 2, False, id="with kill -9"),
        pytest.param(4, 0, True, id="without conditional create"),
    ],
)
async def test_changes_reach_a_failing_ehr_once_each(tmp_path, count, kills, bare):
    outcome = await storm(tmp_path, count, down=1.5, limit=150, kills=kills, bare=bare, cap=1.0)
    assert not outcome.problems, report(outcome)
    assert (outcome.arrived, outcome.accepted) == (count, count)
