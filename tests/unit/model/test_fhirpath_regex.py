"""Regular expressions: the automaton agrees with ``re`` and nothing runs away."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhirserver.model.fhirpath import FhirPathError, regex
from fhirserver.model.fhirpath.automaton import Automaton, Unsupported

atoms = st.sampled_from(
    ["a", "b", ".", "[ab]", "[^a]", r"\d", r"\w", "a?", "b*", "a+", "^", "$", r"\b", "a{1,2}", "x"]
)
patterns = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map("|".join),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{0,2}", "*?"])).map(
            lambda p: f"({p[0]}){p[1]}"
        ),
    ),
    max_leaves=8,
)


@settings(max_examples=50, deadline=None)
@given(patterns, st.text("ab1\n ", max_size=8))
def test_the_automaton_agrees_with_re(pattern: str, text: str) -> None:
    automaton, expected = Automaton(pattern), re.compile(pattern, re.DOTALL)
    assert automaton.search(text) == (expected.search(text) is not None)
    assert automaton.matches_all(text) == (expected.fullmatch(text) is not None)


@pytest.mark.parametrize(
    "pattern", [r"(a+)+b", r"(a|a)*b", r"(a*)*b", r"([a-zA-Z]+)*1", r".*.*.*.*=", r"(a|aa)+$"]
)
def test_nothing_runs_away(pattern: str) -> None:
    begin = time.process_time()
    assert regex.search(pattern, "a" * 3_000 + "!") is False
    assert regex.matches_all(pattern, "a" * 3_000 + "!") is False
    assert time.process_time() - begin < 3


def test_ordinary_nested_repeats_work() -> None:
    oid = r"urn:oid:[0-2](\.(0|[1-9][0-9]*))+"
    assert regex.matches_all(oid, "urn:oid:2.16.840.1.113883.4.642" + ".1" * 200)
    assert not regex.matches_all(oid, "urn:oid:2.16.840." + "1" * 500 + ".")


@pytest.mark.parametrize("pattern", [r"(?=a)a", r"(a)\1", r"(?i)a"])
def test_what_an_automaton_cannot_do(pattern: str) -> None:
    with pytest.raises(Unsupported):
        Automaton(pattern)


def test_refused() -> None:
    for pattern in ("(", "a" * 3_000, r"(?=(a+)+b)(a+)+c"):
        with pytest.raises(FhirPathError):
            regex.search(pattern, "a" * 100)
