"""JSON Patch: the examples of RFC 6902 (appendix A), and laws. https://www.rfc-editor.org/rfc/rfc6902"""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhirserver.kernel.json import Json
from fhirserver.kernel.outcomes import Category, Refusal
from fhirserver.model.patch import parse_json_patch
from fhirserver.model.patch.document import MAX_OPERATIONS, equal


def patched(document: Any, *operations: Any) -> Json:
    return parse_json_patch([*operations])(copy.deepcopy(document))


def op(name: str, path: str, *value: Any, **more: str) -> dict[str, Any]:
    return {"op": name, "path": path, **({"value": value[0]} if value else {}), **more}


@pytest.mark.parametrize(
    ("document", "operation", "result"),
    [
        pytest.param({"foo": "bar"}, op("add", "/baz", "qux"), {"baz": "qux", "foo": "bar"}, id="A.1"),
        pytest.param(
            {"foo": ["bar", "baz"]}, op("add", "/foo/1", "qux"), {"foo": ["bar", "qux", "baz"]}, id="A.2"
        ),
        pytest.param({"baz": "qux", "foo": "bar"}, op("remove", "/baz"), {"foo": "bar"}, id="A.3"),
        pytest.param(
            {"foo": ["bar", "qux", "baz"]}, op("remove", "/foo/1"), {"foo": ["bar", "baz"]}, id="A.4"
        ),
        pytest.param(
            {"baz": "qux", "foo": "bar"}, op("replace", "/baz", "boo"), {"baz": "boo", "foo": "bar"}, id="A.5"
        ),
        pytest.param(
            {"foo": {"bar": "baz", "waldo": "fred"}, "qux": {"corge": "grault"}},
            op("move", "/qux/thud", **{"from": "/foo/waldo"}),
            {"foo": {"bar": "baz"}, "qux": {"corge": "grault", "thud": "fred"}},
            id="A.6",
        ),
        pytest.param(
            {"foo": ["all", "grass", "cows", "eat"]},
            op("move", "/foo/3", **{"from": "/foo/1"}),
            {"foo": ["all", "cows", "eat", "grass"]},
            id="A.7",
        ),
        pytest.param(
            {"baz": "qux", "foo": ["a", 2, "c"]},
            op("test", "/foo/1", 2),
            {"baz": "qux", "foo": ["a", 2, "c"]},
            id="A.8",
        ),
        pytest.param(
            {"foo": "bar"},
            op("add", "/child", {"grandchild": {"x": 1}}),
            {"foo": "bar", "child": {"grandchild": {"x": 1}}},
            id="A.10",
        ),
        pytest.param(
            {"foo": "bar"}, op("add", "/baz", "qux", xyz="123"), {"foo": "bar", "baz": "qux"}, id="A.11"
        ),
        pytest.param({"/": 9, "~1": 10}, op("test", "/~01", 10), {"/": 9, "~1": 10}, id="A.14"),
        pytest.param({"foo": ["bar"]}, op("add", "/foo/-", ["abc"]), {"foo": ["bar", ["abc"]]}, id="A.16"),
        pytest.param({"a/b": 1}, op("replace", "/a~1b", 2), {"a/b": 2}, id="a slash"),
        pytest.param({"a": {"": 1}}, op("replace", "/a/", 2), {"a": {"": 2}}, id="an empty name"),
        pytest.param({"a": 1}, op("add", "/a", 2), {"a": 2}, id="add replaces a member"),
        pytest.param({"a": 1}, op("replace", "", {"b": 2}), {"b": 2}, id="the whole"),
        pytest.param({"a": [1]}, op("copy", "/b", **{"from": "/a"}), {"a": [1], "b": [1]}, id="copy"),
        pytest.param({"a": [1]}, op("move", "/a", **{"from": "/a"}), {"a": [1]}, id="move to itself"),
        pytest.param({"a": [1]}, op("add", "/a/1", 2), {"a": [1, 2]}, id="add at the end"),
        pytest.param(
            {"a": Decimal("1.00")}, op("test", "/a", Decimal("1.0")), {"a": Decimal("1.00")}, id="by value"
        ),
        pytest.param(
            {"a": {"x": 1, "y": 2}},
            op("test", "/a", {"y": 2, "x": 1}),
            {"a": {"x": 1, "y": 2}},
            id="any order",
        ),
    ],
)
def test_examples(document: Any, operation: Any, result: Any) -> None:
    assert patched(document, operation) == result


@pytest.mark.parametrize(
    ("document", "operation"),
    [
        pytest.param({"baz": "qux"}, op("test", "/baz", "bar"), id="A.9"),
        pytest.param({"foo": "bar"}, op("add", "/baz/bat", "qux"), id="A.12"),
        pytest.param({"/": 9, "~1": 10}, op("test", "/~01", "10"), id="A.15"),
        pytest.param({"a": True}, op("test", "/a", 1), id="true is not 1"),
        pytest.param({"a": [0]}, op("test", "/a", [False]), id="0 is not false"),
        pytest.param({"a": 1}, op("test", "/b", None), id="absent is not null"),
        pytest.param({"a": [1]}, op("remove", "/a/1"), id="beyond the end"),
        pytest.param({"a": [1]}, op("remove", "/a/-"), id="nothing is at the end"),
        pytest.param({"a": [1]}, op("add", "/a/3", 1), id="a gap"),
        pytest.param({"a": [1]}, op("add", "/a/01", 1), id="a leading zero"),
        pytest.param({"a": [1]}, op("remove", "/a/-1"), id="a negative index"),
        pytest.param({"a": [1]}, op("remove", "/a/٠"), id="digits of another script"),
        pytest.param({"a": [1]}, op("remove", "/a/²"), id="no digit"),
        pytest.param({"a": [1]}, op("remove", "/a/" + "9" * 5000), id="a huge index"),
        pytest.param({"a": 1}, op("replace", "/b", 1), id="replace needs a target"),
        pytest.param({"a": "text"}, op("remove", "/a/0"), id="inside a text"),
        pytest.param({"a": 1}, op("remove", "/a/b"), id="inside a number"),
        pytest.param({"a": {"b": 1}}, op("move", "/a/b/c", **{"from": "/a"}), id="into itself"),
        pytest.param({"a": 1}, op("copy", "/b", **{"from": "/c"}), id="copy of nothing"),
        pytest.param({"a": 1}, op("remove", ""), id="the whole"),
        pytest.param({"a": 1}, op("replace", "", [1]), id="no resource left"),
    ],
)
def test_what_does_not_fit_is_422_and_named(document: Any, operation: Any) -> None:
    with pytest.raises(Refusal) as caught:
        patched(document, op("test", "", document), operation)
    assert caught.value.category is Category.UNPROCESSABLE
    assert caught.value.issues[0].expression == ("http.body[1]",)


@pytest.mark.parametrize(
    "operation",
    [
        5,
        {},
        op("jump", "/a"),
        op("add", "/a"),
        op("replace", "/a"),
        op("test", "/a"),
        op("move", "/a"),
        op("copy", "/a", **{"from": "b"}),
        op("remove", "a"),
        op("remove", "/a~2"),
        op("remove", "/a~"),
        {"op": "remove"},
        {"op": "remove", "path": 1},
        {"op": ["remove"], "path": "/a"},
    ],
)
def test_what_is_no_patch_is_400_and_named(operation: Any) -> None:
    with pytest.raises(Refusal) as caught:
        parse_json_patch([op("remove", "/a"), operation])
    assert caught.value.category is Category.INVALID
    assert caught.value.issues[0].expression == ("http.body[1]",)


def test_a_patch_has_an_end() -> None:
    with pytest.raises(Refusal) as caught:
        parse_json_patch([op("remove", "/a")] * (MAX_OPERATIONS + 1))
    assert caught.value.category is Category.TOO_LARGE


def test_copies_do_not_double_without_end() -> None:
    doubling = [op("copy", f"/a/x{number}", **{"from": "/a"}) for number in range(64)]
    with pytest.raises(Refusal) as caught:
        patched({"a": {"b": 1}}, *doubling)
    assert caught.value.category is Category.TOO_LARGE


_scalars = st.one_of(st.booleans(), st.integers(-5, 5), st.text("ab/~", max_size=3))
_names = st.text("ab/~0", max_size=3)
_values = st.recursive(
    _scalars,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3), st.dictionaries(_names, inner, min_size=1, max_size=3)
    ),
    max_leaves=8,
)


def _pointer(path: list[str | int]) -> str:
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def _difference(one: Json, other: Json, path: list[str | int]) -> list[dict[str, Any]]:
    """A patch from one to the other, as plain as it can be."""
    if isinstance(one, dict) and isinstance(other, dict):
        made = [op("remove", _pointer([*path, name])) for name in one if name not in other]
        made += [op("add", _pointer([*path, name]), other[name]) for name in other if name not in one]
        for name in one.keys() & other.keys():
            made += _difference(one[name], other[name], [*path, name])
        return made
    if isinstance(one, list) and isinstance(other, list):
        made = [op("remove", _pointer([*path, 0])) for _ in one]
        return made + [op("add", _pointer([*path, "-"]), item) for item in other]
    return [] if equal(one, other) else [op("replace", _pointer(path), other)]


@given(st.dictionaries(_names, _values, min_size=1, max_size=4), st.dictionaries(_names, _values, max_size=4))
def test_a_difference_applied_gives_the_other(one: Json, other: Json) -> None:
    operations = _difference(one, other, [])
    result = patched(one, *operations)
    assert equal(result, other)
    assert equal(patched(result, op("test", "", other), *_difference(other, one, [])), one)
