"""What differs between two documents, and that it can be told from it what the other is."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fhirserver.interactions.configured.comparing import differences

values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text("ab/~", max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("ab/~", max_size=2), inner, max_size=3)
    ),
    max_leaves=12,
)


def told(before: Any, after: Any) -> list[tuple[str, str]]:
    return [(one.pointer, one.kind) for one in differences(before, after)]


def test_places_are_json_pointers_and_named_things_go_by_name() -> None:
    before = {"a/b": 1, "states": [{"name": "x", "n": 1}, {"name": "y"}], "list": [1, 2]}
    after = {"a/b": 2, "states": [{"name": "y"}, {"name": "x", "n": 2}, {"name": "z"}], "list": [1]}
    assert told(before, after) == [
        ("/a~1b", "changed"),
        ("/list/1", "removed"),
        ("/states/x/n", "changed"),
        ("/states/z", "added"),
    ]


@given(values)
def test_the_same_has_no_differences(value: Any) -> None:
    assert told(value, deepcopy(value)) == []


@given(values, values)
def test_each_place_is_told_once_and_both_ways(before: Any, after: Any) -> None:
    there = list(differences(before, after))
    back = list(differences(after, before))
    assert {(d.pointer, repr(d.before), repr(d.after)) for d in there} == {
        (d.pointer, repr(d.after), repr(d.before)) for d in back
    }
