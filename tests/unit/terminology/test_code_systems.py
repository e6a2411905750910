"""The system of a CodeSystem resource: numbering, hierarchy, properties, filters, supplements, search."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Refusal
from terminology.code_systems.content import ContentSystem
from terminology.code_systems.meaning import STANDARDS_STATUS
from terminology.code_systems.supplements import SupplementedSystem
from terminology.systems import System

PROPERTIES = "http://hl7.org/fhir/concept-properties#"
OPERATORS = ("is-a", "descendent-of", "is-not-a", "generalizes", "child-of", "descendent-leaf", "=")


def system(*concepts: JsonObject, **members: object) -> ContentSystem:
    return ContentSystem({"url": "urn:s", "content": "complete", "concept": [*concepts], **members})


def condition(property: str, op: str, value: str) -> JsonObject:
    return {"property": property, "op": op, "value": value}


def passing(of: System, property: str, op: str, value: str) -> list[str]:
    """The codes that pass, after looking that each is told of alike when it is asked for alone."""
    asked = condition(property, op, value)
    found = [concept.code for concept in of.at(of.select(asked))]
    alone = [c.code for c in of.at(range(of.size)) if of.holds(c.code, asked)]
    assert found == alone
    return found


TREE = system(
    {
        "code": "a",
        "display": "Ärzte",
        "concept": [
            {"code": "b", "display": "Bee sting", "concept": [{"code": "d", "definition": "Below b"}]},
            {"code": "c", "property": [{"code": "child", "valueCode": "d"}]},
        ],
    },
    {"code": "e", "property": [{"code": "parent", "valueCode": "c"}, {"code": "n", "valueInteger": 7}]},
    {"code": "f", "designation": [{"language": "de", "value": "Wespenstich"}]},
    property=[{"code": "n", "type": "integer"}],
)


def test_the_hierarchy_is_that_of_nesting_and_of_properties() -> None:
    assert [c.code for c in TREE.at(range(TREE.size))] == ["a", "b", "d", "c", "e", "f"]
    assert (TREE.parents("d"), TREE.children("c"), TREE.parents("zz")) == (["b", "c"], ["d", "e"], ())
    assert set(TREE.ancestors("e")) == {"e", "c", "a"}
    assert (
        TREE.is_a("d", "a") and TREE.is_a("d", "d") and not TREE.is_a("a", "d") and not TREE.is_a("zz", "zz")
    )
    assert [c.code for c in TREE.at(TREE.descendants("c"))] == ["d", "c", "e"]


@pytest.mark.parametrize(
    ("property", "op", "value", "codes"),
    [
        ("concept", "is-a", "c", "dce"),
        ("code", "descendent-of", "c", "de"),
        ("concept", "is-not-a", "c", "abf"),
        ("concept", "generalizes", "d", "abdc"),
        ("concept", "child-of", "a", "bc"),
        ("concept", "descendent-leaf", "a", "de"),
        ("concept", "is-a", "zz", ""),
        ("concept", "is-not-a", "zz", "abdcef"),
        ("code", "=", "b", "b"),
        ("code", "in", "b, e,zz", "be"),
        ("code", "not-in", "b,e", "adcf"),
        ("code", "regex", "[a-c]", "abc"),
        ("code", "exists", "true", "abdcef"),
        ("parent", "=", "c", "de"),
        ("parent", "exists", "false", "af"),
        ("child", "exists", "true", "abc"),
        ("child", "=", "e", "c"),
        ("display", "=", "Bee sting", "b"),
        ("display", "regex", ".*sting", "b"),
        ("definition", "regex", "Below.*", "d"),
        ("designation", "regex", "Wespe.*", "f"),
        ("n", "=", "7", "e"),
        ("n", "in", "6,7", "e"),
        ("n", "not-in", "6,7", "abdcf"),
        ("n", "exists", "false", "abdcf"),
        ("n", "regex", "[0-9]+", "e"),
        ("inactive", "=", "false", "abdcef"),
        ("notSelectable", "=", "true", ""),
    ],
)
def test_filters(property: str, op: str, value: str, codes: str) -> None:
    assert passing(TREE, property, op, value) == [*codes]


def test_an_operator_of_r5_is_found_in_its_extension() -> None:
    url = "http://hl7.org/fhir/5.0/StructureDefinition/extension-ValueSet.compose.include.filter.op"
    asked = {
        "property": "concept",
        "_op": {"extension": [{"url": url, "valueCode": "child-of"}]},
        "value": "a",
    }
    assert [c.code for c in TREE.at(TREE.select(asked))] == ["b", "c"]


@pytest.mark.parametrize(
    ("property", "op", "value", "issue"),
    [
        ("concept", "looks-like", "a", "not-supported"),
        ("unheard-of", "=", "a", "not-supported"),
        ("n", "is-a", "7", "not-supported"),
        ("concept", "", "a", "invalid"),
        ("concept", "is-a", "", "invalid"),
        ("n", "exists", "perhaps", "invalid"),
        ("code", "regex", "(a", "invalid"),
        ("code", "regex", "(?=a)b", "not-supported"),
        ("code", "regex", r"(a)\1", "not-supported"),
        ("code", "regex", "a" * 3000, "too-costly"),
        ("code", "regex", "((a{100}){100}){100}", "too-costly"),
        ("code", "in", "," * 200_000, "too-costly"),
    ],
)
def test_what_is_not_understood_is_refused(property: str, op: str, value: str, issue: str) -> None:
    for ask in (lambda a: TREE.select(a), lambda a: TREE.holds("e", a)):
        with pytest.raises(Refusal) as refused:
            ask(condition(property, op, value))
        assert refused.value.issues[0].code == issue


def test_a_regex_that_would_backtrack_for_ever_is_matched_in_no_time() -> None:
    began = time.monotonic()
    assert passing(system({"code": "a" * 5000 + "!"}), "code", "regex", "(a+)+") == []
    assert time.monotonic() - began < 1


def test_hierarchies_that_run_in_circles_end() -> None:
    ring = system(
        *({"code": f"{n}", "property": [{"code": "parent", "valueCode": f"{(n + 1) % 5}"}]} for n in range(5))
    )
    assert len(ring.descendants("0")) == 5
    assert ring.is_a("0", "3") and len(ring.ancestors("2")) == 5
    assert passing(ring, "concept", "descendent-leaf", "0") == []


EDGES = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=14)


@given(EDGES, st.sampled_from(OPERATORS), st.integers(0, 8))
def test_a_filter_tells_of_one_concept_as_it_does_of_all(
    edges: list[tuple[int, int]], op: str, of: int
) -> None:
    above: dict[int, list[JsonObject]] = {}
    for lower, upper in edges:
        above.setdefault(lower, []).append({"code": "parent", "valueCode": str(upper)})
    passing(
        system(*({"code": str(n), "property": above.get(n, [])} for n in range(8))), "concept", op, str(of)
    )


# What properties say


def test_properties_are_told_by_their_uri() -> None:
    named = system(
        {"code": "x", "property": [{"code": "not-sel", "valueBoolean": True}]},
        {"code": "y", "property": [{"code": "notSelectable", "valueBoolean": True}]},
        {"code": "z", "property": [{"code": "up", "valueCode": "x"}, {"code": "st", "valueCode": "retired"}]},
        property=[
            {"code": "not-sel", "uri": f"{PROPERTIES}notSelectable"},
            {"code": "up", "uri": f"{PROPERTIES}parent"},
            {"code": "st", "uri": f"{PROPERTIES}status"},
        ],
    )
    x, y, z = named.at(range(3))
    assert (x.abstract, y.abstract) == (True, False)
    assert (z.inactive, z.status, named.parents("z")) == (True, "retired", ["x"])
    for op, value, codes in (
        ("=", "false", []),
        ("=", "true", ["x"]),
        ("=", "TRUE", []),
        ("in", "false,maybe", []),
        ("not-in", "false", ["x", "y", "z"]),
        ("not-in", "true", ["y", "z"]),
        ("exists", "false", ["y", "z"]),
    ):
        assert passing(named, "not-sel", op, value) == codes


def test_a_uri_that_means_nothing_takes_nothing_from_a_standard_code() -> None:
    concept = {"code": "x", "property": [{"code": "notSelectable", "valueBoolean": True}]}
    for uri, abstract in (("notSelectableX", True), ("comment", False)):
        named = system(concept, property=[{"code": "notSelectable", "uri": f"{PROPERTIES}{uri}"}])
        found = named.find("x")
        assert found is not None and found.abstract is abstract


RETIRED = {"code": "status", "valueCode": "retired"}


@pytest.mark.parametrize(
    ("members", "inactive", "status"),
    [
        ({"property": [{"code": "inactive", "valueBoolean": True}]}, True, ""),
        ({"property": [RETIRED]}, True, "retired"),
        ({"property": [{"code": "status", "valueCode": "deprecated"}]}, False, "deprecated"),
        ({"property": [RETIRED, {"code": "inactive", "valueBoolean": False}]}, False, "retired"),
        ({"property": [{"code": "deprecationDate", "valueDateTime": "2001"}]}, False, "deprecated"),
        ({"property": [{"code": "deprecationDate", "valueDateTime": "2999-01-01"}]}, False, ""),
        ({"property": [{"code": "retirementDate", "valueDateTime": "2001-02-03T00:00:00Z"}]}, True, "retired"),
        ({"extension": [{"url": STANDARDS_STATUS, "valueCode": "deprecated"}]}, False, "deprecated"),
        ({"extension": [{"url": STANDARDS_STATUS, "valueCode": "withdrawn"}]}, True, "withdrawn"),
    ],
)  # fmt: skip
def test_status(members: JsonObject, inactive: bool, status: str) -> None:
    found = system({"code": "x", **members}).find("x")
    assert found is not None and (found.inactive, found.status) == (inactive, status)


def test_case_and_codes_that_are_there_twice() -> None:
    either = system({"code": "AbC"}, {"code": "AbC", "concept": [{"code": "d"}]}, caseSensitive=False)
    assert either.size == 2 and either.is_a("d", "AbC")
    found = either.find("aBc")
    assert found is not None and found.code == "AbC"
    assert passing(either, "concept", "is-a", "abc") == ["AbC", "d"]
    assert system({"code": "AbC"}).find("abc") is None


# Supplements and search


def test_a_supplement_adds_and_never_defines() -> None:
    supplement = ContentSystem(
        {
            "url": "urn:more",
            "language": "nl",
            "supplements": "urn:s",
            "property": [{"code": "colour", "type": "code"}],
            "concept": [
                {"code": "b", "display": "Bijensteek", "property": [{"code": "colour", "valueCode": "red"}]},
                {"code": "new"},
            ],
        }
    )
    over = SupplementedSystem(TREE, [supplement])
    found = over.find("b")
    assert found is not None and found.display == "Bee sting"
    assert [(d.value, d.language) for d in found.designations] == [("Bijensteek", "nl")]
    assert over.find("new") is None and over.size == TREE.size
    assert passing(over, "colour", "=", "red") == ["b"]
    assert passing(over, "colour", "exists", "false") == ["a", "d", "c", "e", "f"]
    assert passing(over, "concept", "is-a", "c") == ["d", "c", "e"]
    assert [c.code for c in over.at(over.search("bijen"))] == ["b"]


def test_search_finds_what_is_called_so_best_first() -> None:
    names = ["Sting of a bee", "Bee", "Honey bee sting", "Beetle", "Frisbee", "Wasp", "Bée"]
    of = system(*({"code": str(n), "display": name} for n, name in enumerate(names)))
    found = [c.display for c in of.at(of.search("BEE"))]
    assert found == ["Bee", "Bée", "Beetle", "Sting of a bee", "Honey bee sting", "Frisbee"]
    assert [c.display for c in of.at(of.search("sti bee"))] == ["Sting of a bee", "Honey bee sting"]
    assert [c.code for c in TREE.at(TREE.search("arzte"))] == ["a"]
    assert [c.code for c in TREE.at(TREE.search("wespe"))] == ["f"]


def test_what_its_status_makes_inactive_passes_the_filter() -> None:
    retired = {"code": "r", "property": [{"code": "status", "valueCode": "retired"}]}
    stated = {
        "code": "s",
        "property": [{"code": "status", "valueCode": "retired"}, {"code": "inactive", "valueBoolean": False}],
    }
    of = system({"code": "a"}, retired, stated)
    assert passing(of, "inactive", "=", "true") == ["r"]
    assert passing(of, "inactive", "=", "false") == ["a", "s"]
    assert passing(of, "inactive", "not-in", "true") == ["a", "s"]
