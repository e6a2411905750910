"""How the codes of two value sets stand to each other."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Refusal
from fhirserver.ports.terminology import Question
from terminology.asked import Asked
from terminology.service import TerminologyService

SERVICE = TerminologyService()
CODES = "abcde"


def system(version: str, **members: Any) -> JsonObject:
    concepts = [{"code": code, "display": code.upper()} for code in CODES]
    return {
        "resourceType": "CodeSystem",
        "url": "urn:s",
        "version": version,
        "status": "active",
        "content": "complete",
        "concept": concepts,
        **members,
    }


def value_set(url: str, *includes: JsonObject) -> JsonObject:
    return {"resourceType": "ValueSet", "url": url, "status": "active", "compose": {"include": [*includes]}}


def codes(wanted: str | list[str], url: str = "urn:s") -> JsonObject:
    return {"system": url, "concept": [{"code": one} for one in wanted]}


def compare(this: JsonObject, other: JsonObject, *resources: JsonObject) -> tuple[str, str]:
    question = Question({"thisValueSet": [this], "otherUrl": [other["url"]]})
    known = resources or (system("1"),)
    answer = SERVICE.answer("compare", question, Asked(resources=(other, *known)))
    result, message = answer["parameter"]
    return result["valueCode"], message["valueString"]


@given(st.sets(st.sampled_from(CODES), min_size=1), st.sets(st.sampled_from(CODES), min_size=1))
def test_codes_are_compared_as_sets(this: set[str], other: set[str]) -> None:
    result, message = compare(
        value_set("urn:a", codes(sorted(this))), value_set("urn:b", codes(sorted(other)))
    )
    expected = "overlapping"
    if not this & other:
        expected = "disjoint"
    elif this == other:
        expected = "same"
    elif this > other:
        expected = "superset"
    elif this < other:
        expected = "subset"
    assert result == expected and "urn:a" in message and "urn:b" in message


def test_what_counts_is_what_is_in_them_not_how_it_is_said() -> None:
    whole, listed = value_set("urn:a", {"system": "urn:s"}), value_set("urn:b", codes(CODES))
    assert compare(whole, listed)[0] == "same"
    assert compare(whole, value_set("urn:b", codes("a", "urn:t")))[0] == "disjoint", "listed, though unknown"
    imports = value_set("urn:c", {"valueSet": ["urn:b"]})
    assert compare(imports, value_set("urn:d", codes("ab")), system("1"), listed)[0] == "superset"


def test_versions_matter_where_the_system_says_so() -> None:
    one, two = ({"system": "urn:s", "version": version} for version in "12")
    for needed, result in ((False, "same"), (True, "disjoint")):
        both = [system(version, versionNeeded=needed) for version in "12"]
        assert compare(value_set("urn:a", one), value_set("urn:b", two), *both)[0] == result


def test_what_cannot_be_told() -> None:
    unknown = value_set("urn:a", {"system": "urn:unknown"})
    result, message = compare(unknown, value_set("urn:b", codes("a")))
    assert result == "indeterminate" and "urn:unknown" in message
    bare = {"resourceType": "ValueSet", "url": "urn:b", "status": "active"}
    assert compare(value_set("urn:a", codes("a")), bare) == (
        "indeterminate",
        "The ValueSet urn:b has no compose",
    )


@pytest.mark.parametrize("parameters", [{}, {"thisUrl": ["urn:none"], "otherUrl": ["urn:none"]}])
def test_value_sets_that_are_not_there(parameters: dict[str, Any]) -> None:
    with pytest.raises(Refusal):
        SERVICE.answer("compare", Question(parameters))
