"""Valid resources are broken at random places; validation must point at the very place, whatever it is."""

from __future__ import annotations

import copy
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhirserver.kernel.json import JsonObject
from fhirserver.model.definitions import ElementDef, definitions
from fhirserver.model.validation import validate
from tests.unit.model.test_validation import PATIENT

OBSERVATION: JsonObject = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "85354-9"}], "text": "Blood pressure"},
    "subject": {"reference": "Patient/1"},
    "effectivePeriod": {"start": "2026-11-22T14:47:00Z", "end": "2026-11-22T14:48:00Z"},
    "component": [
        {"code": {"text": "Systolic"}, "valueQuantity": {"value": 120, "unit": "mmHg", "code": "mm[Hg]"}},
        {
            "code": {"text": "Diastolic"},
            "valueSampledData": {"origin": {"value": 1}, "period": 1, "dimensions": 1},
        },
    ],
    "referenceRange": [{"low": {"value": 1}, "appliesTo": [{"text": "all"}]}],
}
CLAIM: JsonObject = {
    "resourceType": "Claim",
    "status": "active",
    "type": {"text": "professional"},
    "use": "claim",
    "patient": {"reference": "Patient/1"},
    "created": "2026-11-22",
    "provider": {"reference": "Organization/1"},
    "priority": {"text": "normal"},
    "insurance": [{"sequence": 1, "focal": True, "coverage": {"reference": "Coverage/1"}}],
    "item": [
        {
            "sequence": 1,
            "productOrService": {"text": "visit"},
            "detail": [
                {
                    "sequence": 1,
                    "productOrService": {"text": "a"},
                    "subDetail": [{"sequence": 1, "productOrService": {"text": "b"}}],
                }
            ],
        }
    ],
}
SEEDS = [PATIENT, OBSERVATION, CLAIM]
Spot = tuple[JsonObject, str, str, ElementDef]
"""The object, its FHIRPath, the property and its definition."""


def spots(holder: JsonObject, type_name: str, path: str) -> list[Spot]:
    """Every property with a definition, at any depth."""
    found: list[Spot] = []
    definition = definitions().type(type_name)
    for name, value in holder.items():
        element = definition.elements.get(name) if definition else None
        if element is None:
            continue
        found.append((holder, path, name, element))
        items = value if isinstance(value, list) else [value]
        for index, item in enumerate(items):
            if isinstance(item, dict):
                inner = item["resourceType"] if element.type == "Resource" else element.type
                found += spots(item, inner, place(path, element, index if isinstance(value, list) else None))
    return found


def place(path: str, element: ElementDef, index: int | None = None) -> str:
    name = f"{element.name}.ofType({element.type})" if element.choice else element.name
    return f"{path}.{name}" if index is None else f"{path}.{name}[{index}]"


@st.composite
def a_spot(draw: Any) -> tuple[JsonObject, Spot]:
    resource = copy.deepcopy(draw(st.sampled_from(SEEDS)))
    return resource, draw(
        st.sampled_from(spots(resource, resource["resourceType"], resource["resourceType"]))
    )


def expressions(resource: JsonObject) -> set[str]:
    return {path for issue in validate(resource) for path in issue.expression}


def test_the_seeds_are_valid() -> None:
    assert [validate(seed) for seed in SEEDS] == [[], [], []]


@given(a_spot())
def test_a_required_element_is_missed(chosen: tuple[JsonObject, Spot]) -> None:
    resource, (holder, path, name, element) = chosen
    del holder[name]
    found = expressions(resource)
    if not holder:
        assert path in found
    elif element.min and f"_{name}" not in holder:
        assert f"{path}.{element.name}" in found
    else:
        assert f"{path}.{element.name}" not in found


@given(a_spot(), st.text(alphabet="abcxyz", min_size=1, max_size=8))
def test_an_unknown_property_is_refused(chosen: tuple[JsonObject, Spot], suffix: str) -> None:
    resource, (holder, path, _, _) = chosen
    holder[f"zz{suffix}"] = "x"
    assert f"{path}.zz{suffix}" in expressions(resource)


def wrong_for(element: ElementDef) -> st.SearchStrategy[Any]:
    definition = definitions().type(element.type)
    wrong = [None, [], {}, [[]], [{}], [None]]
    if definition and definition.kind == "primitive-type":
        is_number = element.type in ("decimal", "integer", "positiveInt", "unsignedInt")
        wrong += [{"a": 1}, "x" if is_number or element.type == "boolean" else 7, ""]
    else:
        wrong += ["text", 7, True]
    return st.sampled_from(wrong)


@given(a_spot(), st.data())
def test_a_value_of_the_wrong_kind_is_refused(chosen: tuple[JsonObject, Spot], data: Any) -> None:
    resource, (holder, path, name, element) = chosen
    holder[name] = data.draw(wrong_for(element))
    at = place(path, element)
    assert any(e == at or e.startswith((f"{at}[", f"{at}.")) for e in expressions(resource))


@given(a_spot())
def test_one_and_many_are_told_apart(chosen: tuple[JsonObject, Spot]) -> None:
    resource, (holder, path, name, element) = chosen
    holder[name] = holder[name][0] if element.is_list else [holder[name]]
    assert place(path, element) in expressions(resource)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["resourceType", "id", "name", "_name", "url", "valueString", "extension", "entry", "x y"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=50)
@given(JSON, st.sampled_from(["Patient", "Bundle", "Parameters", "Questionnaire", "StructureDefinition"]))
def test_anything_at_all_is_answered(content: Any, type_name: str) -> None:
    validate(content)
    if isinstance(content, dict):
        validate(content | {"resourceType": type_name}, partial=True)


def nested(depth: int) -> JsonObject:
    extension: JsonObject = {"url": "a", "valueString": "x"}
    for _ in range(depth):
        extension = {"url": "a", "extension": [extension]}
    return {"resourceType": "Basic", "code": {"text": "x"}, "extension": [extension]}


def test_nesting_that_is_deep_is_fine_and_too_deep_is_refused() -> None:
    assert validate(nested(60)) == []
    assert [i.code for i in validate(nested(20_000))] == ["too-costly"]


@pytest.mark.parametrize(
    "hostile",
    [
        {"resourceType": "Patient", "name": [{}] * 200_000},
        {"resourceType": "Patient", "name": [{"given": [None] * 200_000}]},
        {"resourceType": "Patient", "name": [{"_given": [None] * 200_000}]},
        {"resourceType": "Patient", "implicitRules": " " * 1_000_000 + "x"},
        {"resourceType": "Patient", "language": ("a " * 500_000) + "  "},
        {"resourceType": "Patient", "photo": [{"data": "=" * 1_000_000}]},
        {"resourceType": "Patient", "birthDate": "1" * 1_000_000},
        {"resourceType": "Patient", **{f"x{n}": n for n in range(200_000)}},
        {"resourceType": "Patient", "x" * 1_000_000: 1},
        {"resourceType": "Patient", "text": {"status": "additional", "div": "<b>" * 200_000}},
        {
            "resourceType": "Patient",
            "link": [{"type": "seealso", "other": {"reference": "Patient/" * 50_000}}],
        },
    ],
    ids=lambda hostile: list(hostile)[1][:12],
)
def test_hostile_content_is_answered_soon(hostile: JsonObject) -> None:
    start = time.process_time()
    issues = validate(hostile)
    assert time.process_time() - start < 2
    assert 0 < len(issues) <= 501
    assert all(len(i.diagnostics) < 500 for i in issues)
