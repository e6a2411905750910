"""Quotes in the turn they are from."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fhirserver.console.evidence import Words, marked


def test_the_quoted_words_are_marked_in_their_turn() -> None:
    assert marked("Yes, July second. Bye.", ["July second."]) == [
        Words("Yes, "),
        Words("July second", True),
        Words(". Bye."),
    ]


def test_a_quote_that_is_not_in_the_turn_word_for_word_marks_all_of_it() -> None:
    assert marked("It's one two", ["12"]) == [Words("It's one two", True)]


def test_a_turn_that_nobody_quotes_has_no_mark() -> None:
    assert marked("Hello", []) == [Words("Hello")]


@given(st.text(alphabet="abc .", max_size=30), st.lists(st.text(alphabet="abc .", max_size=5), max_size=4))
def test_marking_changes_no_character(said: str, quotes: list[str]) -> None:
    assert "".join(part.text for part in marked(said, quotes)) == said
