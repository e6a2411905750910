r"""Escape sequences: what they stand for, that the unknown stays, and that writing and reading agree."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.hl7v2.escapes import escape, unescape
from adapters.hl7v2.separators import Separators

STANDARD = Separators(truncation="#")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r"a\F\b\S\c\T\d\R\e\E\f\P\g", r"a|b^c&d~e\f#g"),
        (r"one\.br\two\.sp2\three\.ce\four", "one\ntwo\n\nthree\nfour"),
        (r"a\.sk 3\b\.in+4\c\.ti-2\d\.fi\e\.nf\f", "a   bcdef"),
        (r"\H\loud\N\ quiet", "loud quiet"),
        (r"\X0D\\X41c3a9\!", "\rAé!"),
        (r"\XE9\t\XE9\\X41\ ", "étéA "),
        (r"\Zown\ and \unknown\ and \.xy\ ", r"\Zown\ and \unknown\ and \.xy\ "),
        (r"C:\temp and \F\ more", "C:\\temp and | more"),
        ("half \\", "half \\"),
        (r"\\", r"\\"),
        (r"\X4\ \XGG\ ", r"\X4\ \XGG\ "),
        (r"\E\F\E", r"\F\E"),
    ],
)
def test_what_a_sequence_stands_for(text: str, value: str) -> None:
    assert unescape(text, STANDARD) == value


def test_character_sets_within_a_value() -> None:
    kanji = "山田".encode("iso2022_jp")
    assert kanji.startswith(b"\x1b$B") and kanji.endswith(b"\x1b(B")
    inside = kanji[3:-3].decode("ascii")
    assert unescape(rf"Yamada \M2442\{inside}\C2842\ Taro \T\ ", STANDARD) == "Yamada 山田 Taro & "


@pytest.mark.parametrize("text", [r"\M2442\é\C2842\ ", r"\C2842\é", r"\MFFFF\abc", r"\M24\abc\C2842"])
def test_a_character_set_that_cannot_be_read_stays_as_it_is(text: str) -> None:
    assert unescape(text, STANDARD) == text


def test_the_bytes_of_a_sequence_are_in_the_character_set_of_the_message() -> None:
    assert unescape(r"\XE9\ ", Separators(encoding="iso8859_5")) == "щ "


def test_without_an_escape_character_nothing_is_escaped() -> None:
    none = Separators(escape="", subcomponent="")
    assert unescape(r"\F\ ", none) == r"\F\ "
    assert escape("a|b", none) == "a|b"


_SEPARATORS = st.lists(st.sampled_from("|^~\\&#!*?@/$%"), min_size=6, max_size=6, unique=True).map(
    lambda characters: Separators(*characters)
)


@given(st.text(st.characters(exclude_categories=["Cs"])), _SEPARATORS)
def test_what_is_escaped_is_read_the_same(value: str, separators: Separators) -> None:
    text = escape(value, separators)
    assert unescape(text, separators) == value
    divided = set(text) & {separators.field, separators.component, separators.repetition, "\r", "\n"}
    assert not divided


@given(st.text(st.sampled_from("\\FSTREXCM.brsp0123456789ABé "), max_size=40))
def test_any_text_can_be_unescaped(text: str) -> None:
    unescape(text, STANDARD)
