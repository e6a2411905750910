"""What filters look like: they must stay within what every server on the MongoDB wire does. No server needed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from fhirserver.search.expression import (
    And,
    Chain,
    Has,
    Near,
    Not,
    Or,
    PhraseIs,
    ReferenceIs,
    StringIs,
    TokenIs,
    UriIs,
    Within,
)
from fhirserver.search.values import StringValue, TokenValue
from fhirserver.storage.mongo.documents import compact, index_fields, sort_field
from fhirserver.storage.mongo.filters import Filter, render
from tests.contracts.search_contract import QUERIES, SORTS, query


def inner(value: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every path of keys in a filter."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield (*above, key)
            yield from inner(below, (*above, key))
    elif isinstance(value, list):
        for item in value:
            yield from inner(item, above)


def joined(expression: Any) -> dict[Chain | Has | Within | Near | PhraseIs, Filter]:
    """An empty filter for every join of a tree."""
    match expression:
        case Chain() | Has() | Within() | Near() | PhraseIs():
            return {expression: {}}
        case And(of) | Or(of):
            return {join: {} for one in of for join in joined(one)}
        case Not(of):
            return joined(of)
    return {}


@pytest.mark.parametrize("text", [*QUERIES, *SORTS])
def test_only_what_every_server_does(text: str) -> None:
    asked = query(text)
    rendered = render(asked.where, asked.type, joined(asked.where))
    for path in inner(rendered):
        within = path[path.index("$elemMatch") + 1 :] if "$elemMatch" in path else ()
        assert not {"$or", "$and", "$nor", "$not"} & set(within), path
        assert path[-1] not in ("$all", "$where", "$expr", "$text"), path
        if path[-1] in ("$gt", "$gte", "$lt", "$lte"):
            assert within or path[-2] in ("updated", "_id"), f"a range on an array outside $elemMatch: {path}"


def test_a_text_cannot_reach_into_another_parameter() -> None:
    """The separator is not FHIR text; where somebody sends it, it separates nothing."""
    forged = compact("family", "x\x1fgiven\x1feve")
    assert forged.count("\x1f") == 1
    assert render(TokenIs("code", None, "a\x1fb"), "Observation", {}) == {"token": compact("code", "a\x1fb")}
    stored = index_fields([TokenValue("code", "", "a\x1fb")])["token"]
    assert sorted(key.count("\x1f") for key in stored) == [1, 2]


@pytest.mark.parametrize("text", ["a.*b", "(", "[x", "a|b", "\\", "$", "^x"])
def test_patterns_are_quoted(text: str) -> None:
    import re

    for predicate in (StringIs("name", text, "contains"), UriIs("url", text, "contains")):
        ((array, condition),) = render(predicate, "Patient", {}).items()
        pattern = re.compile(condition["$regex"], re.DOTALL)
        param = "name" if array == "string" else "url"
        assert pattern.search(compact(param, f"before{text}after"))
        assert not pattern.search(compact(param, "beforeafter"))


def test_a_reference_without_type_asks_for_every_type() -> None:
    asked = render(ReferenceIs("subject", None, "p1"), "Observation", {})
    keys = asked["reference"]["$in"]
    assert compact("subject", "Patient", "p1") in keys
    assert compact("subject", "", "p1") not in keys


def test_codes_with_dots_are_fields_all_the_same() -> None:
    fields = index_fields([StringValue("my.code", "a", "A"), StringValue("my.code", "b", "B")])
    assert sort_field("my.code") == "sort.my%2Ecode"
    assert fields["sort"] == {"my%2Ecode": {"min": "a", "max": "b"}}
