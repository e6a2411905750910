"""Whether what was said so far sounds finished."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.turns.completeness import Said, completeness

EXPECTED = ("", "yes_no", "identity", "date", "slot", "reason", "insurance", "phone", "address")

WHOLE = [
    ("yes", "yes_no"),
    ("Yes, please.", "yes_no"),
    ("no thanks", "yes_no"),
    ("no", ""),
    ("no thank you", ""),
    ("yes it is", "yes_no"),
    ("that's right", "yes_no"),
    ("sounds good", "slot"),
    ("goodbye", ""),
    ("no that's all thank you", ""),
    ("five five five oh one two three four five six", "phone"),
    ("it's 555-012-3456", "phone"),
    ("my number is one four one five five five five oh one two three", "phone"),
    ("four one five five five five oh one two three", ""),
    ("march third nineteen eighty two", "identity"),
    ("Ada Smith, March 3rd, 1982", "identity"),
    ("03/03/1982", "identity"),
    ("three three eighty two", "identity"),
    ("oh three oh three nineteen eighty two", "identity"),
    ("12 Main Street, Springfield, Illinois 62701", "address"),
]
HALF = [
    ("um", ""),
    ("I'd like to come in, um", "reason"),
    ("my name is", "identity"),
    ("because", "reason"),
    ("yes but", "yes_no"),
    ("yes and", "yes_no"),
    ("let me check", "yes_no"),
    ("hold on", "insurance"),
    ("I need to cancel my", ""),
    ("five five five", "phone"),
    ("five five five oh one two", "phone"),
    ("my number is five five five oh one two", ""),
    ("nine eight seven", ""),
    ("it's", "phone"),
    ("A B C nine", "insurance"),
    ("my member id is A B C nine eight seven", "insurance"),
    ("S M I T", "identity"),
    ("my last name is smith S as in Sam M I", "identity"),
    ("march", "identity"),
    ("march third", "identity"),
    ("my birthday is march third", ""),
    ("march third nineteen", "identity"),
    ("the third of", "identity"),
    ("three three nineteen", "identity"),
    ("born in may", "identity"),
    ("oh three oh three", "identity"),
    ("12 Main Street", "address"),
    ("twelve", "address"),
    ("12 Main Street, Springfield, Illinois six two", "address"),
    ("thursday at", "slot"),
    ("could we do the", "date"),
]
UNCLEAR = [
    ("", ""),
    ("I need to cancel my appointment", ""),
    ("Ada Smith", "identity"),
    ("yes", "identity"),
    ("okay", ""),
    ("thursday at three", "slot"),
    ("thursday at ten thirty", "date"),
    ("march third", "date"),
    ("sometime in january", "date"),
    ("march third nineteen eighty", "identity"),
    ("march third two thousand", "identity"),
    ("my knee hurts", "reason"),
    ("A B C nine eight seven six five four", "insurance"),
    ("I don't know", "yes_no"),
    ("that is what I came for", "reason"),
]


@pytest.mark.parametrize(("text", "expects"), WHOLE)
def test_a_clear_answer_is_complete(text: str, expects: str) -> None:
    assert completeness(text, expects) is Said.COMPLETE


@pytest.mark.parametrize(("text", "expects"), HALF)
def test_half_of_something_is_incomplete(text: str, expects: str) -> None:
    assert completeness(text, expects) is Said.INCOMPLETE


@pytest.mark.parametrize(("text", "expects"), UNCLEAR)
def test_anything_else_is_left_to_silence(text: str, expects: str) -> None:
    assert completeness(text, expects) is Said.OPEN


@given(st.text(max_size=80), st.sampled_from((*EXPECTED, "no such kind")))
def test_it_takes_any_text(text: str, expects: str) -> None:
    assert completeness(text, expects) in Said


def test_a_number_waits_until_its_tenth_digit() -> None:
    digits = ["five", "five", "five", "oh", "one", "two", "three", "four", "five", "six"]
    judged = [completeness(" ".join(digits[:n]), "phone") for n in range(1, 11)]
    assert judged == [Said.INCOMPLETE] * 9 + [Said.COMPLETE]
