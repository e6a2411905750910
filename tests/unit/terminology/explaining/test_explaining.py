"""Why a code is in a value set or not: every part says what it holds, and all together what the expansion does."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhirserver.kernel.json import JsonObject
from fhirserver.ports.terminology_browsing import Explanation, Reason
from terminology.expanding.composing import Composer
from terminology.explaining import explain
from terminology.holdings import Holdings, Resolved
from terminology.library import RequestLibrary
from terminology.overlays import Overlay

S = "urn:animals"
ANIMALS: JsonObject = {
    "resourceType": "CodeSystem",
    "url": S,
    "version": "1",
    "status": "active",
    "content": "complete",
    "caseSensitive": False,
    "property": [{"code": "legs", "type": "integer"}, {"code": "status", "type": "code"}],
    "concept": [
        {
            "code": "animal",
            "display": "Animal",
            "concept": [
                {
                    "code": "mammal",
                    "display": "Mammal",
                    "concept": [
                        {"code": "dog", "display": "Dog", "property": [{"code": "legs", "valueInteger": 4}]},
                        {"code": "whale", "display": "Whale"},
                    ],
                },
                {
                    "code": "bird",
                    "display": "Bird",
                    "property": [{"code": "legs", "valueInteger": 2}],
                    "concept": [
                        {
                            "code": "dodo",
                            "display": "Dodo",
                            "property": [{"code": "status", "valueCode": "retired"}],
                        }
                    ],
                },
            ],
        },
        {"code": "stone", "display": "Stone"},
    ],
}
CODES = ("animal", "mammal", "dog", "whale", "bird", "dodo", "stone")


def value_set(*include: Any, exclude: Any = (), url: str = "urn:vs", **more: Any) -> JsonObject:
    compose: JsonObject = {"include": [*include]}
    if exclude:
        compose["exclude"] = [*exclude]
    compose.update(more.pop("compose", {}))
    return {"resourceType": "ValueSet", "url": url, "status": "active", "compose": compose, **more}


def passing(property: str, op: str, value: str) -> JsonObject:
    return {"system": S, "filter": [{"property": property, "op": op, "value": value}]}


def why(one: JsonObject, code: str, *others: JsonObject, **more: Any) -> Explanation:
    overlay = Overlay().with_these([ANIMALS, *others])
    library = RequestLibrary(Holdings(Resolved(), lambda url: None), overlay)
    return explain(one, library, more.pop("system", S), code, **more)


def step(found: Explanation, *at: int) -> Reason:
    reason = found.steps[at[0]]
    for number in at[1:]:
        reason = reason.steps[number]
    return reason


def test_a_code_below_the_one_a_filter_names_is_in_and_the_way_to_it_is_drawn() -> None:
    found = why(value_set(passing("concept", "is-a", "animal")), "dog")
    assert (found.result, found.text) == (True, "Include 1 holds it.")
    reason = step(found, 0, 1)
    assert reason.what == "Filter is-a animal (Animal)"
    assert (reason.holds, reason.why) == (True, "it is below animal")
    assert reason.place == "compose.include[0].filter[0]"
    drawn = [(one.code, one.depth, one.role) for one in reason.picture]
    assert drawn == [("animal", 0, "named"), ("mammal", 1, ""), ("dog", 2, "asked")]


def test_a_code_elsewhere_is_out_and_drawn_beside_the_one_named() -> None:
    found = why(value_set(passing("concept", "is-a", "bird")), "dog")
    assert (found.result, found.text) == (False, "Include 1 does not hold it.")
    reason = step(found, 0, 1)
    assert reason.why == "it is not below bird"
    assert [(one.code, one.depth, one.role) for one in reason.picture] == [
        ("animal", 0, ""),
        ("bird", 1, "named"),
        ("mammal", 1, ""),
        ("dog", 2, "asked"),
    ]


def test_codes_without_anything_above_both_are_drawn_each_on_its_own() -> None:
    picture = step(why(value_set(passing("concept", "is-a", "stone")), "bird"), 0, 1).picture
    assert [(one.code, one.depth) for one in picture] == [("stone", 0), ("animal", 0), ("bird", 1)]


@pytest.mark.parametrize(
    ("op", "value", "code", "holds", "says"),
    [
        ("is-a", "dog", "dog", True, "it is dog itself"),
        ("is-a", "nothing", "dog", False, "the code system has no code nothing"),
        ("descendent-of", "dog", "dog", False, "it is dog itself, which does not count"),
        ("is-not-a", "mammal", "dog", False, "it is below mammal"),
        ("is-not-a", "mammal", "bird", True, "it is not below mammal"),
        ("generalizes", "dog", "mammal", True, "it is above dog"),
        ("generalizes", "dog", "bird", False, "it is not above dog"),
        ("child-of", "animal", "dog", False, "it is below animal, but not directly"),
        ("child-of", "animal", "bird", True, "it is directly below animal"),
        ("descendent-leaf", "animal", "bird", False, "it is below animal, but is no leaf: there are codes below it"),
        ("descendent-leaf", "animal", "dog", True, "it is below animal"),
    ],
)  # fmt: skip
def test_every_filter_of_the_hierarchy_says_how_the_codes_hang_together(
    op: str, value: str, code: str, holds: bool, says: str
) -> None:
    found = why(value_set(passing("concept", op, value)), code)
    assert (found.result, step(found, 0, 1).why) == (holds, says)


@pytest.mark.parametrize(
    ("name", "op", "value", "code", "holds", "says"),
    [
        ("legs", "=", "4", "dog", True, "its legs is 4: that is the value asked for"),
        ("legs", "=", "4", "bird", False, "its legs is 2: that is another value"),
        ("legs", "=", "4", "stone", False, "it has no legs"),
        ("legs", "in", "2,3", "dog", False, "its legs is 4: that is not in the list"),
        ("legs", "not-in", "2,3", "dog", True, "its legs is 4: that is not in the list"),
        ("legs", "exists", "true", "dog", True, "it has 4"),
        ("legs", "exists", "true", "whale", False, "it has no legs"),
        ("display", "regex", "Do.", "dog", True, "its display is Dog: that matches"),
        ("code", "regex", "d.*", "whale", False, "the code does not match"),
        ("concept", "in", "dog,whale", "whale", True, "the code is in the list"),
        ("concept", "=", "dog", "whale", False, "it is another code: whale"),
    ],
)
def test_every_filter_of_a_property_says_what_value_the_concept_has(
    name: str, op: str, value: str, code: str, holds: bool, says: str
) -> None:
    found = why(value_set(passing(name, op, value)), code)
    assert (found.result, step(found, 0, 1).why) == (holds, says)


def test_an_exclude_takes_out_what_an_include_holds() -> None:
    one = value_set({"system": S}, exclude=[{"system": S, "concept": [{"code": "DOG"}, {"code": "bird"}]}])
    found = why(one, "dog")
    assert (found.result, found.text) == (False, "Include 1 holds it, but exclude 1 takes it out again.")
    assert step(found, 1).what == f"Exclude 1: 2 listed codes of {S}"
    assert step(found, 1, 1).why == "it is listed"
    assert why(one, "whale").text == "Include 1 holds it, and no exclude takes it out."


def test_inactive_codes_are_left_out_by_the_value_set_or_by_who_asks() -> None:
    without = value_set({"system": S}, compose={"inactive": False})
    assert why(without, "dodo").text.endswith("leaves out inactive codes, and it is inactive.")
    assert why(without, "dodo").result is False
    assert step(why(without, "dog"), -1).why == "the code is active"
    found = why(value_set({"system": S}), "dodo", active_only=True)
    assert (found.result, step(found, -1).why) == (False, "the code is inactive")
    assert found.text == "Include 1 holds it, but only active codes are asked for and it is inactive."


def test_imported_value_sets_are_explained_by_their_own_parts() -> None:
    birds = value_set(passing("concept", "is-a", "bird"), url="urn:birds")
    found = why(value_set({"system": S, "valueSet": ["urn:birds"]}), "dog", birds)
    imported = step(found, 0, 1)
    assert (imported.holds, imported.what) == (False, "Value set urn:birds")
    assert imported.why == "include 1 does not hold it"
    assert imported.value_set == "urn:birds"
    assert imported.steps[0].steps[1].why == "it is not below bird"
    both = why(value_set({"valueSet": ["urn:birds"]}, {"valueSet": ["urn:birds"]}), "dodo", birds)
    assert step(both, 0, 0).steps and not step(both, 1, 0).steps, "told once"
    assert both.text == "Include 1 and include 2 hold it."


def test_a_contained_value_set_is_found() -> None:
    inner = {
        "resourceType": "ValueSet",
        "id": "b",
        "compose": {"include": [passing("concept", "is-a", "bird")]},
    }
    one = value_set({"valueSet": ["#b"]}, contained=[inner])
    assert (why(one, "dodo").result, why(one, "dog").result) == (True, False)
    assert why(value_set({"valueSet": ["#c"]}), "dog").result is None


def test_what_cannot_be_told_is_left_open_and_no_more_than_that() -> None:
    unknown = {"valueSet": ["urn:elsewhere"]}
    found = why(value_set(unknown), "dog")
    assert found.result is None
    assert found.text == "It cannot be told whether include 1 holds it: it is not known here."
    assert why(value_set(unknown, {"system": S}), "dog").result is True
    assert why(value_set({"system": S}, exclude=[unknown]), "dog").result is None
    assert why(value_set(exclude=[unknown]), "dog").result is False
    odd = why(value_set(passing("colour", "=", "red")), "dog")
    assert odd.result is None
    assert "does not have" in step(odd, 0, 1).why


def test_a_value_set_that_imports_itself_ends_with_the_circle() -> None:
    a = value_set({"valueSet": ["urn:b"]}, url="urn:a")
    b = value_set({"valueSet": ["urn:a"]}, url="urn:b")
    found = why(a, "dog", a, b)
    assert found.result is None
    circle = "the value set imports itself, so it holds nothing: urn:a → urn:b → urn:a"
    assert step(found, 0, 0, 0, 0).why == circle
    assert found.text == f"It cannot be told whether include 1 holds it: {circle}."


def test_a_filter_that_the_system_refuses_leaves_the_answer_open() -> None:
    found = why(value_set(passing("display", "regex", "(a")), "dog")
    assert (found.result, step(found, 0, 1).what) == (None, "Filter display regex (a")
    assert why(value_set(passing("legs", "", "4")), "dog").result is None


def test_systems_and_versions_that_are_not_known() -> None:
    elsewhere = {"system": "urn:x", "concept": [{"code": "a"}]}
    assert why(value_set(elsewhere), "a", system="urn:x").result is True
    assert why(value_set(elsewhere), "b", system="urn:x").result is False
    assert why(value_set({"system": "urn:x"}), "a", system="urn:x").result is None
    other = why(value_set({"system": S, "version": "7"}), "dog")
    assert step(other, 0, 0).why == "that version is not known here; there is 1"
    assert step(why(value_set(elsewhere), "dog"), 0, 0).why == f"the code is of another one: {S}"
    assert step(why(value_set({"system": S}), "unicorn"), 0, 0).why == (
        "the code system (version 1) has no code unicorn"
    )


def test_an_expansion_that_stands_in() -> None:
    contains = [{"system": "urn:x", "abstract": True, "contains": [{"system": "urn:x", "code": "a"}]}]
    one = value_set({"system": "urn:x"}, expansion={"contains": contains})
    assert (why(one, "a", system="urn:x").result, why(one, "b", system="urn:x").result) == (True, False)
    assert why(value_set(), "dog").text == "The value set includes nothing."


# What is explained is what the expansion does.

_FILTERS = st.builds(
    lambda op, value: {"property": "concept", "op": op, "value": value},
    st.sampled_from(["is-a", "descendent-of", "is-not-a", "generalizes", "="]),
    st.sampled_from(CODES),
) | st.builds(
    lambda op, value: {"property": "legs", "op": op, "value": value},
    st.sampled_from(["=", "in", "not-in"]),
    st.sampled_from(["2", "4", "2,4"]),
)
_OWN = st.one_of(
    st.just({"system": S}),
    st.builds(lambda all: {"system": S, "filter": all}, st.lists(_FILTERS, min_size=1, max_size=2)),
    st.builds(
        lambda all: {"system": S, "concept": [{"code": one} for one in all]},
        st.lists(st.sampled_from(CODES), min_size=1, max_size=3, unique=True),
    ),
)
_IMPORT = st.sampled_from([["urn:vs0"], ["urn:vs1"], ["urn:vs0", "urn:vs1"]])
_PART = st.one_of(
    _OWN,
    st.builds(lambda sets: {"valueSet": sets}, _IMPORT),
    st.builds(lambda own, sets: {**own, "valueSet": sets}, _OWN, _IMPORT),
)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.lists(_OWN, min_size=1, max_size=2), min_size=2, max_size=2),
    st.lists(_PART, min_size=1, max_size=3),
    st.lists(_PART, max_size=2),
    st.booleans(),
)
def test_the_explanation_agrees_with_the_expansion(
    imported: list[list[JsonObject]], include: list[JsonObject], exclude: list[JsonObject], active: bool
) -> None:
    sets = [value_set(*parts, url=f"urn:vs{number}") for number, parts in enumerate(imported)]
    more = {"compose": {"inactive": False}} if active else {}
    one = value_set(*include, exclude=exclude, url="urn:one", **more)
    overlay = Overlay().with_these([ANIMALS, *sets])
    composed = Composer(RequestLibrary(Holdings(Resolved(), lambda url: None), overlay)).compose(one)
    for code in CODES:
        assert why(one, code, *sets).result is composed.holds(S, code), code
