"""Where sentences end when they are to be said one by one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.sentences import complete, sentences


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("", []),
        ("Hello", ["Hello"]),
        ("Hello. How are you? Good!", ["Hello.", "How are you?", "Good!"]),
        ("You see Dr. Lane on Thursday.", ["You see Dr. Lane on Thursday."]),
        ("It is at 2 p.m. on Thursday. Fine?", ["It is at 2 p.m. on Thursday.", "Fine?"]),
        ("It is at 2 p.m. Is that fine?", ["It is at 2 p.m.", "Is that fine?"]),
        ("That is 3.5 miles. Really.", ["That is 3.5 miles.", "Really."]),
        ("Ada B. Quinn is here. So am I.", ["Ada B. Quinn is here.", "So am I."]),
        ('She said "yes." Then she left.', ['She said "yes."', "Then she left."]),
    ],
)
def test_pieces(text: str, pieces: list[str]) -> None:
    assert sentences(text) == pieces


def test_what_has_not_ended_waits() -> None:
    assert complete("One moment. I am looking at Dr.") == (["One moment."], "I am looking at Dr.")


@given(st.text(alphabet="ab .!?DrI", max_size=60))
def test_nothing_is_lost(text: str) -> None:
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())
