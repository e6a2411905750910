"""Folding, sounds, escapes and uris: what text is compared by."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhirserver.search.escapes import escape, split, unescape
from fhirserver.search.phonetic import sounds
from fhirserver.search.uris import ancestors, is_below
from fhirserver.search.values import fold


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Ève", "eve"),
        ("MÜLLER", "muller"),
        ("Straße", "strasse"),
        ("Ødegård", "odegard"),
        ("  two \t words ", "two words"),
        ("ﬁne", "fine"),
        ("Łukasz", "lukasz"),
        ("张伟", "张伟"),
    ],
)
def test_fold(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(st.text())
def test_folding_again_changes_nothing_but_case_rules(text: str) -> None:
    once = fold(text)
    assert fold(fold(once)) == fold(once)


@pytest.mark.parametrize(
    ("word", "code"),
    [("robert", "r163"), ("rupert", "r163"), ("ashcraft", "a261"), ("tymczak", "t522"), ("pfister", "p236"),
     ("honeyman", "h555"), ("lee", "l000")],
)  # fmt: skip
def test_soundex_as_the_archives_give_it(word: str, code: str) -> None:
    assert sounds(word) == [code]


@given(st.lists(st.text(alphabet="ab\\,$|", min_size=1), min_size=1))
def test_escaped_texts_come_back_whole(texts: list[str]) -> None:
    joined = ",".join(escape(text) for text in texts)
    assert [unescape(part) for part in split(joined, ",")] == texts


@pytest.mark.parametrize(
    ("uri", "above", "below"),
    [
        ("http://a/b/c", "http://a/b", True),
        ("http://a/b/c", "http://a/b/", True),
        ("http://a/b", "http://a/b", True),
        ("http://a/bc", "http://a/b", False),
        ("urn:oid:1.2.3", "urn:oid:1.2", True),
        ("urn:oid:1.23", "urn:oid:1.2", False),
        ("http://a.b/c", "http://a", False),
    ],
)
def test_below(uri: str, above: str, below: bool) -> None:
    assert is_below(uri, above) is below


@given(st.text(alphabet="ab/:.", min_size=1, max_size=12), st.text(alphabet="ab/:.", min_size=1, max_size=8))
def test_above_and_below_are_one_relation(uri: str, other: str) -> None:
    for start in ("http://", "urn:oid:"):
        assert is_below(start + uri, start + other) is (start + other in ancestors(start + uri))
