"""``expression`` is FHIRPath that selects what is wrong, or, for what is missing, what it is missing from."""

from __future__ import annotations

import copy
import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhirserver.model.fhirpath import Environment, compile_path
from tests.unit.model.profiles import validator
from tests.unit.model.test_validation import PATIENT
from tests.unit.model.test_validation_mutations import CLAIM, OBSERVATION

Json = Any
VALIDATOR = validator()
SEEDS = [PATIENT, OBSERVATION, CLAIM]
JUNK: list[Json] = [
    None, True, -1, Decimal("1.5"), "", " ", "x", "2020-13-01", [], {}, [None], [{}], {"x": 1}, ["x"], [[1]],
    {"extension": [{"url": "http://example.org/x"}]}, {"reference": "#nope"}, {"value": 1, "code": "x"},
    {"coding": [{"code": "x"}]}, {"start": "2020", "end": "2019"}, "<b>x</b>",
]  # fmt: skip
NOTHING = re.compile(r"\]: (?:null |must be an object)")
URN = "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"


def wrapped(resource: Json, how: int) -> Json:
    """As it is, in a Bundle, in a Parameters, in a part of one."""
    named = {"name": "x", "resource": resource}
    return (
        resource,
        {"resourceType": "Bundle", "type": "collection", "entry": [{"fullUrl": URN, "resource": resource}]},
        {"resourceType": "Parameters", "parameter": [named]},
        {"resourceType": "Parameters", "parameter": [{"name": "y", "part": [named]}]},
    )[how]


def spots(node: Json) -> list[tuple[Json, Any]]:
    """Every member and item, at any depth."""
    names = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else []
    return [spot for name in names for spot in [(node, name), *spots(node[name])]]


def parent(expression: str) -> str:
    """Without the last step; ``value.ofType(Quantity)`` is one."""
    head, _, last = expression.rpartition(".")
    return head.rpartition(".")[0] if last.startswith("ofType(") else head


def selects(expression: str, resource: Json) -> bool:
    path = compile_path(expression, resource["resourceType"], strict=False)
    return bool(path(resource, Environment(resource=resource)))


def astray(resource: Json) -> list[str]:
    """The expressions of issues that lead nowhere.

    None, where a null stands for nothing at all: FHIRPath does not count it, so what comes after it has another
    index than in JSON.
    """
    found = VALIDATOR.validate(resource)
    if any(issue.severity == "error" and NOTHING.search(issue.diagnostics) for issue in found):
        return []
    places = [place for issue in found for place in issue.expression]
    return [
        place for place in places if not selects(place, resource) and not selects(parent(place), resource)
    ]


@settings(max_examples=50, deadline=None, derandomize=True)
@given(
    st.sampled_from(SEEDS),
    st.integers(0, 3),
    st.integers(0, 10**6),
    st.sampled_from([*JUNK, "gone", "extra"]),
)
def test_every_issue_points_at_something(seed: Json, how: int, at: int, junk: Json) -> None:
    broken = copy.deepcopy(seed)
    found = [spot for spot in spots(broken) if spot[1] != "resourceType"]
    holder, name = found[at % len(found)]
    if junk == "gone":
        del holder[name]
    elif junk == "extra" and isinstance(holder, dict):
        holder[f"{name}Extra"] = holder[f"_{name}"] = copy.deepcopy(holder[name])
    else:
        holder[name] = copy.deepcopy(junk)
    assert astray(wrapped(broken, how)) == []


@pytest.mark.parametrize("how", range(4))
def test_a_choice_of_the_wrong_kind_says_that_alone(how: int) -> None:
    """What such a value lacks by a profile is no further issue."""
    body_height = {
        "resourceType": "Observation", "status": "final", "subject": {"reference": "Patient/1"},
        "category": [{"coding": [
            {"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"}
        ]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "8302-2"}]},
        "effectiveDateTime": "2020-01-01", "valueQuantity": "180",
    }  # fmt: skip
    resource = wrapped(body_height, how)
    errors = [issue for issue in VALIDATOR.validate(resource) if issue.severity == "error"]
    assert [place.rpartition("value")[2] for issue in errors for place in issue.expression] == [
        ".ofType(Quantity)"
    ]


def test_a_sibling_of_what_is_no_primitive_is_unknown_and_no_more() -> None:
    """It is not walked as if it were the element."""
    broken = {**OBSERVATION, "_code": {"extension": [{"url": "http://example.org/x", "valueCode": "x"}]}}
    assert astray(broken) == []
    assert any(issue.expression == ("Observation._code",) for issue in VALIDATOR.validate(broken))
