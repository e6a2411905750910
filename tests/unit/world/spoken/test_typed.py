"""What is typed, as it would have been said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.hearing import hear
from fhirserver.world.spoken.answers import Answer, answer
from fhirserver.world.spoken.typed import as_said


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("cancle my apointment", "cancel my appointment"),
        ("resched my appt tmrw pls", "reschedule my appointment tomorrow please"),
        ("wendesday or tuesdya", "wednesday or tuesday"),
        ("insurrance", "insurance"),
        ("somethng came up", "something came up"),
        ("my cancer appointment", "my cancer appointment"),
        ("Mrs. Sunda", "Mrs. Sunda"),
        ("I live at 5 Apple St", "I live at 5 Apple St"),
        ("canceled", "canceled"),
    ],
)
def test_slips_are_mended_and_nothing_else(typed: str, said: str) -> None:
    assert as_said(typed) == said


@pytest.mark.parametrize("sign", ["👍", "👍🏽", "✅", "👌👌", "ok 👍", "✔️"])
def test_a_thumb_up_is_a_yes(sign: str) -> None:
    assert answer(sign) is Answer.YES


@pytest.mark.parametrize("sign", ["👎", "❌", "👎🏿 👎🏿", "no 👎"])
def test_a_thumb_down_is_a_no(sign: str) -> None:
    assert answer(sign) is Answer.NO


@pytest.mark.parametrize("sign", ["😩", "🤒", "👋", "❤️"])
def test_other_signs_are_no_answer(sign: str) -> None:
    assert answer(sign) is None


def test_wishes_with_slips_are_understood() -> None:
    assert hear(1, "need to cancle my appt").wishes == ("cancel",)
    assert hear(1, "new insurence").wishes == () and hear(1, "new insurace").wishes == ("insurance",)


@given(st.text(max_size=80))
def test_any_text_comes_through(text: str) -> None:
    assert isinstance(as_said(text), str)
