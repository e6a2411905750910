"""The time of day: the machine's, and that of a drill."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhirserver.kernel import wall
from fhirserver.kernel.wall import VARIABLE, Wall, read_wall

_PRINTED = """
from fhirserver.kernel.instants import SystemClock, instant
from fhirserver.kernel.wall import PROBLEM, waiting
print(instant(SystemClock().now())[:10], waiting(50), PROBLEM)
"""


def _in_a_process(text: str) -> str:
    environment = {**os.environ, VARIABLE: text}
    return subprocess.run(
        [sys.executable, "-c", _PRINTED], env=environment, capture_output=True, text=True, check=True
    ).stdout.strip()


def test_without_the_variable_it_is_the_machines() -> None:
    before = time.time()
    assert before <= wall.seconds() <= time.time()
    assert wall.WALL.is_real and wall.waiting(7) == 7


def test_processes_that_are_given_the_same_text_agree() -> None:
    text = f"2031-05-06T08:00:00Z@{time.time()}x100"
    assert _in_a_process(text) == "2031-05-06 0.5"


def test_what_cannot_be_read_is_told_and_time_stays_the_machines() -> None:
    day = time.strftime("%Y-%m-%d", time.gmtime())
    printed = _in_a_process("yesterday")
    assert printed.startswith((day, time.strftime("%Y-%m-%d", time.gmtime()))) and VARIABLE in printed


@given(st.floats(0, 4e9), st.floats(0, 1e6), st.floats(1, 1000))
def test_time_runs_by_its_pace(since: float, later: float, pace: float) -> None:
    made = Wall(1e9, since, pace)
    assert made.at(since) == 1e9
    assert made.at(since + later) - 1e9 == pytest.approx(later * pace, rel=1e-6, abs=1e-3)


@pytest.mark.parametrize(
    "text",
    [
        "now",
        "2026-12-01T08:00:00@1x100",
        "2026-12-01T08:00:00Z@1x0.5",
        "2026-12-01T08:00:00Z@1x100000",
        "x@1x2",
        "2026-12-01T08:00:00Z@x2",
    ],
)
def test_a_wrong_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=VARIABLE):
        read_wall(text)
