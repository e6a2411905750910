from __future__ import annotations

from decimal import Decimal
from math import nextafter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhirserver.model.definitions import definitions
from fhirserver.search.index import extract, extractor
from fhirserver.search.values import (
    BEGIN,
    FOREVER,
    INFINITE,
    CompositeValue,
    DateValue,
    IndexValue,
    NumberValue,
    QuantityValue,
    ReferenceValue,
    StringValue,
    TokenValue,
    UriValue,
)


def values(param: str, type_name: str, **elements: Any) -> list[IndexValue]:
    return [v for v in extract({"resourceType": type_name, "id": "x", **elements}) if v.param == param]


def test_every_type_compiles() -> None:
    for type_name in definitions().resource_types:
        assert extractor(type_name)({"resourceType": type_name}) in (
            [],
            [TokenValue("deceased", "", "false")],
        )


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({}, "false"),
        ({"deceasedBoolean": False}, "false"),
        ({"deceasedBoolean": True}, "true"),
        ({"deceasedDateTime": "2015-02-14"}, "true"),
    ],
)
def test_what_an_expression_computes_is_indexed(elements: dict[str, Any], expected: str) -> None:
    assert values("deceased", "Patient", **elements) == [TokenValue("deceased", "", expected)]


def test_names_and_addresses_by_every_part_and_text() -> None:
    name = {"family": "Ødegård", "given": ["Eve", "Ann"], "prefix": ["Dr"], "suffix": ["III"], "text": "Doc"}
    assert {v.folded for v in values("name", "Patient", name=[name]) if isinstance(v, StringValue)} == {
        "odegard", "eve", "ann", "dr", "iii", "doc",
    }  # fmt: skip
    address = {
        "line": ["1 Main", "Flat 2"],
        "city": "Köln",
        "state": "NW",
        "postalCode": "5",
        "country": "DE",
    }
    assert len(values("address", "Patient", address=[address])) == 6


@pytest.mark.parametrize(
    ("type_name", "param", "elements", "expected"),
    [
        ("Patient", "gender", {"gender": "male"}, ("http://hl7.org/fhir/administrative-gender", "male")),
        ("Patient", "active", {"active": True}, ("", "true")),
        ("Patient", "identifier", {"identifier": [{"system": "s", "value": "v"}]}, ("s", "v")),
        ("Patient", "identifier", {"identifier": [{"value": "v"}]}, ("", "v")),
        ("Patient", "email", {"telecom": [{"system": "email", "value": "a@b"}]}, ("email", "a@b")),
        ("Encounter", "class", {"class": {"system": "s", "code": "AMB"}}, ("s", "AMB")),
        ("Observation", "category", {"category": [{"text": "words only"}]}, ("", "")),
        ("Patient", "_tag", {"meta": {"tag": [{"system": "s", "code": "c"}]}}, ("s", "c")),
    ],
)
def test_tokens(type_name: str, param: str, elements: dict[str, Any], expected: tuple[str, str]) -> None:
    assert values(param, type_name, **elements) == [TokenValue(param, *expected)]


def test_texts_and_types_of_tokens() -> None:
    coding = {"coding": [{"code": "c", "display": "Größe"}], "text": "Height"}
    assert {
        v.text for v in values("code:text", "Observation", code=coding) if isinstance(v, StringValue)
    } == {
        "Größe",
        "Height",
    }
    identifier = {"value": "7", "type": {"coding": [{"system": "t", "code": "MR"}]}}
    assert values("identifier:of-type", "Patient", identifier=[identifier]) == [
        TokenValue("identifier:of-type", "t", "MR|7")
    ]


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("Patient/1", ("Patient", "1")),
        ("Patient/1/_history/4", ("Patient", "1")),
        ("http://other.org/Patient/1", ("", "http://other.org/Patient/1")),
        ("urn:uuid:1", ("", "urn:uuid:1")),
        ("#p", ("", "#p")),
    ],
)
def test_references(reference: str, expected: tuple[str, str]) -> None:
    found = values("subject", "Observation", subject={"reference": reference})
    assert found == [ReferenceValue("subject", *expected)]


def test_references_to_the_servers_own_url_are_local() -> None:
    resource = {"resourceType": "Observation", "subject": {"reference": "http://own.org/fhir/Patient/1"}}
    assert ReferenceValue("subject", "Patient", "1") in extract(resource, base="http://own.org/fhir/")


def test_a_reference_by_identifier() -> None:
    subject = {"identifier": {"system": "http://mrn", "value": "1"}}
    assert values("subject:identifier", "Observation", subject=subject) == [
        TokenValue("subject:identifier", "http://mrn", "1")
    ]


def test_patient_takes_only_patients() -> None:
    assert values("patient", "Observation", subject={"reference": "Group/1"}) == []
    assert values("patient", "Observation", subject={"reference": "Patient/1"}) == [
        ReferenceValue("patient", "Patient", "1")
    ]


def test_canonicals_with_and_without_version() -> None:
    found = values("instantiates-canonical", "CarePlan", instantiatesCanonical=["http://a/P|1"])
    assert found == [
        ReferenceValue("instantiates-canonical", "", "http://a/P"),
        ReferenceValue("instantiates-canonical", "", "http://a/P|1"),
    ]
    assert values("instantiates-canonical:canonical", "CarePlan", instantiatesCanonical=["http://a/P|1"]) == [
        UriValue("instantiates-canonical:canonical", "http://a/P|1")
    ]


DAY = 86_400_000_000


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        ({"start": "1970-01-02"}, (DAY, FOREVER)),
        ({"end": "1970-01-02"}, (BEGIN, 2 * DAY)),
        ({"start": "1970-01-02", "end": "1970-01-03"}, (DAY, 3 * DAY)),
    ],
)
def test_periods(period: dict[str, str], expected: tuple[int, int]) -> None:
    assert values("date", "Encounter", period=period) == [DateValue("date", *expected)]


def test_timings_by_their_outer_limits() -> None:
    timing = {"event": ["1970-01-02", "1970-01-05"], "repeat": {"boundsPeriod": {"start": "1970-01-03"}}}
    assert values("date", "Observation", effectiveTiming=timing) == [DateValue("date", DAY, FOREVER)]


def test_numbers_and_quantities() -> None:
    prediction = [{"probabilityDecimal": Decimal("0.50")}, {"probabilityRange": {"low": {"value": 1}}}]
    assert values("probability", "RiskAssessment", prediction=prediction) == [
        NumberValue("probability", 0.5, 0.5),
        NumberValue("probability", 1, INFINITE),
    ]
    less = {"value": 5, "comparator": "<", "unit": "mg"}
    assert values("value-quantity", "Observation", valueQuantity=less) == [
        QuantityValue("value-quantity", 5, -INFINITE, nextafter(5, 0), "", "", "mg")
    ]
    for comparator, low, high in (
        ("<=", -INFINITE, 5),
        (">", nextafter(5, 6), INFINITE),
        (">=", 5, INFINITE),
    ):
        assert values("value-quantity", "Observation", valueQuantity={**less, "comparator": comparator}) == [
            QuantityValue("value-quantity", 5, low, high, "", "", "mg")
        ]
    sampled = {"origin": {"value": 1, "code": "mV"}, "factor": 2, "data": "1 E -3 U", "dimensions": 1}
    assert values("value-quantity", "Observation", valueSampledData=sampled) == [
        QuantityValue("value-quantity", -5, -5, 3, "", "mV", "")
    ]
    money = {"value": 5, "currency": "EUR"}
    assert values("totalnet", "Invoice", totalNet=money) == [
        QuantityValue("totalnet", 5, 5, 5, "urn:iso:std:iso:4217", "EUR", "")
    ]


def test_uris() -> None:
    assert values("url", "ValueSet", url="http://a") == [UriValue("url", "http://a")]


def test_composites_pair_what_stands_together() -> None:
    component = [
        {"code": {"coding": [{"code": "a"}]}, "valueQuantity": {"value": 1}},
        {"code": {"coding": [{"code": "b"}]}, "valueQuantity": {"value": 2}},
    ]
    found = values("component-code-value-quantity", "Observation", component=component)
    pairs = [(v.parts[0].code, v.parts[1].value) for v in found if isinstance(v, CompositeValue)]  # type: ignore[union-attr]
    assert pairs == [("a", 1), ("b", 2)]


def test_the_swapped_composite_of_documents() -> None:
    relates_to = [{"code": "replaces", "target": {"reference": "DocumentReference/1"}}]
    found = values("relationship", "DocumentReference", relatesTo=relates_to)
    assert found == [
        CompositeValue(
            "relationship",
            (
                ReferenceValue("relatesto", "DocumentReference", "1"),
                TokenValue("relation", "http://hl7.org/fhir/document-relationship-type", "replaces"),
            ),
        )
    ]


ELEMENTS = sorted(definitions().type("Observation").elements)  # type: ignore[union-attr]
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.decimals(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["coding", "code", "system", "value", "start", "end", "reference", "low", "data"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(ELEMENTS), anything, max_size=6))
def test_malformed_resources_yield_nothing_wrong_and_never_fail(elements: dict[str, Any]) -> None:
    for value in extract({**elements, "resourceType": "Observation"}):
        assert isinstance(value.param, str)
        assert all(not isinstance(field, dict | list) for field in value)


def test_a_contained_resource_is_known_by_its_type() -> None:
    contained = [{"resourceType": "Patient", "id": "p"}, {"resourceType": "Group", "id": "g"}]
    found = values("patient", "Observation", contained=contained, subject={"reference": "#p"})
    assert found == [ReferenceValue("patient", "", "#p")]
    for reference in ("#g", "#nobody"):
        assert values("patient", "Observation", contained=contained, subject={"reference": reference}) == []
