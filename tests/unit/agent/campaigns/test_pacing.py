"""How many calls a campaign may have going: by lines, by the minute, and by the operators who are free."""

from __future__ import annotations

import pytest

from agent.campaigns.definition import Pacing
from agent.campaigns.operators import Attendance
from agent.campaigns.pacing import Pace, calls_for, why_calls_wait


def pace(pacing: Pacing, *calls: str) -> Pace:
    made = Pace(pacing)
    made.calls.update(calls)
    return made


def test_without_a_wish_for_operators_only_lines_count() -> None:
    one = pace(Pacing(lines=3), "a")
    assert calls_for(one, 10, None, [one]) == 2
    assert calls_for(one, 1, None, [one]) == 1
    assert why_calls_wait(one.pacing, None) == ""


@pytest.mark.parametrize(
    ("percent", "free", "going", "more"),
    [
        (100, 2, 0, 2),
        (100, 2, 1, 1),
        (100, 1, 1, 0),
        (25, 1, 0, 4),
        (25, 1, 3, 1),
        (25, 2, 5, 3),
        (30, 1, 0, 3),
    ],
)
def test_calls_go_on_only_while_operators_are_free_for_those_that_will_need_one(
    percent: int, free: int, going: int, more: int
) -> None:
    one = pace(Pacing(lines=100, operators=True, transfers_percent=percent), *map(str, range(going)))
    assert calls_for(one, 100, Attendance(5, free), [one]) == more


def test_a_call_that_an_operator_has_already_needs_no_other() -> None:
    one = pace(Pacing(lines=9, operators=True), "a", "b")
    assert calls_for(one, 9, Attendance(3, 2, frozenset({"a"})), [one]) == 1


def test_campaigns_share_the_operators() -> None:
    one = pace(Pacing(lines=9, operators=True), "a")
    other = pace(Pacing(lines=9, operators=True, transfers_percent=50), "b", "c")
    assert calls_for(one, 9, Attendance(3, 3), [one, other]) == 1
    assert calls_for(other, 9, Attendance(3, 3), [one, other]) == 2


@pytest.mark.parametrize(
    ("there", "why"),
    [
        (None, "calls wait: it is not known whether an operator is free"),
        (Attendance(0, 0), "calls wait: no operator is present"),
        (Attendance(2, 0), "calls wait: no operator is free"),
        (Attendance(2, 1), ""),
    ],
)
def test_why_calls_wait(there: Attendance | None, why: str) -> None:
    pacing = Pacing(operators=True)
    assert why_calls_wait(pacing, there) == why
    one = pace(pacing)
    assert calls_for(one, 5, there, [one]) == (0 if why else 1)
