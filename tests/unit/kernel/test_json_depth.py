"""Nested JSON is read to a depth that everything behind it bears, and refused beyond."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhirserver.kernel.json import MOST_LEVELS, InvalidJson, loads_unique, too_deep


def nested(levels: int) -> bytes:
    return b'{"a":[' * (levels // 2) + b"]}" * (levels // 2)


def test_at_the_limit_and_beyond() -> None:
    loads_unique(nested(MOST_LEVELS))
    with pytest.raises(InvalidJson, match="levels deep"):
        loads_unique(nested(MOST_LEVELS + 2))


def test_wide_is_not_deep() -> None:
    loads_unique(json.dumps([{"a": [i]} for i in range(5000)]).encode())


def test_brackets_in_texts_do_not_count() -> None:
    text = '"]}[{\\"\\\\' * 300
    loads_unique(json.dumps({"a": [text], "b": "[" * 1000}).encode())
    deep = json.dumps(["]" * 500, json.loads(nested(MOST_LEVELS + 2))]).encode()
    assert too_deep(deep)


values = st.recursive(
    st.text(alphabet='[]{}"\\a', max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text('[{"', max_size=2), inner, max_size=3)
    ),
)


def depth(value: object) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth, inner), default=0)


@given(values, st.integers(0, 300))
def test_depth_is_that_of_the_value(value: object, wrapped: int) -> None:
    text = "[" * wrapped + json.dumps(value) + "]" * wrapped
    assert too_deep(text.encode()) == (depth(value) + wrapped > MOST_LEVELS)
