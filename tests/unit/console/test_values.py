"""Values as people read them, and what differs between two, word by word."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fhirserver.console.values import Span, diff, lines, text, word_diff

TEXTS = st.text(alphabet="ab1 -+.é", max_size=20)


@given(TEXTS, TEXTS)
def test_the_spans_make_both_texts_again(old: str, new: str) -> None:
    left, right = word_diff(old, new)
    assert "".join(span.text for span in left) == old
    assert "".join(span.text for span in right) == new
    same = ["".join(span.text for span in side if not span.differs) for side in (left, right)]
    assert same[0] == same[1], "what is not marked is on both sides"


@given(TEXTS)
def test_equal_texts_differ_nowhere(same: str) -> None:
    assert not any(span.differs for side in word_diff(same, same) for span in side)


def test_only_the_words_that_differ_are_marked() -> None:
    left, right = word_diff("12 Harbor Street", "14 Harbor Street")
    assert [span for span in left if span.differs] == [Span("12", True)]
    assert [span for span in right if span.differs] == [Span("14", True)]
    assert [s.text for s in word_diff("+16175550134", "+16175550177")[1] if s.differs] == ["77"]


def test_lines_of_two_values_stand_side_by_side() -> None:
    rows = diff({"telecom": {"value": "1", "use": "home"}}, {"telecom": {"value": "2", "rank": 1}})
    assert [(row.label, row.differs) for row in rows] == [
        ("telecom value", True),
        ("telecom rank", True),
        ("telecom use", True),
    ]
    assert rows[1].old == [] and rows[2].new == []
    assert not any(row.differs for row in diff({"gender": "male"}, {"gender": "male"}))


def test_values_are_read_without_json() -> None:
    assert lines([{"system": "phone", "value": "555", "use": "mobile"}]) == [
        ("value", "555"),
        ("use", "mobile"),
    ]
    assert lines({"active": False}) == [("active", "no")]
    assert lines(None) == []
    assert text(None) == "nothing"
