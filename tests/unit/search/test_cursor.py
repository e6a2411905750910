from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhirserver.search import cursor
from fhirserver.search.expression import Cursor, SortKey

SORT = (SortKey("family", "string"), SortKey("birthdate", "date", True), SortKey("value", "quantity"))


@given(
    st.none() | st.text(),
    st.none() | st.integers(-(2**62), 2**62),
    st.none() | st.floats(allow_nan=False, allow_infinity=False),
    st.integers(0, 2**60),
)
def test_what_is_encoded_is_decoded(text: str | None, day: int | None, value: float | None, tie: int) -> None:
    place = Cursor((text, day, value), tie)
    assert cursor.decode(cursor.encode(place), SORT) == place


@given(st.text(max_size=60) | st.binary(max_size=40).map(lambda raw: raw.hex()))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="_cursor"):
        cursor.decode(text, SORT)


@pytest.mark.parametrize(
    "place",
    [
        Cursor(("a", 1), 5),
        Cursor(("a", "b", 1.0), 5),
        Cursor((1, 1, 1.0), 5),
        Cursor(("a", 2**70, 1.0), 5),
        Cursor(("a", 1, 1.0), 2**70),
    ],
)
def test_the_cursor_of_another_search_is_refused(place: Cursor) -> None:
    with pytest.raises(ValueError, match="_cursor"):
        cursor.decode(cursor.encode(place), SORT)


@given(st.integers(0, 40), st.characters(codec="ascii"))
def test_tampering_is_refused_or_harmless(at: int, letter: str) -> None:
    text = cursor.encode(Cursor(("Müller", 5, 1.5), 77))
    changed = text[: at % len(text)] + letter + text[at % len(text) + 1 :]
    try:
        assert isinstance(cursor.decode(changed, SORT), Cursor)
    except ValueError as error:
        assert "_cursor" in str(error)
