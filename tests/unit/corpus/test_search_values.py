"""Searches as a client would write them."""

from __future__ import annotations

from typing import Any

import pytest

from fhirserver.kernel.json import loads
from tests.corpus.search_values import searches, special_searches

PATIENT = b"""{"resourceType": "Patient", "id": "p", "active": true,
  "identifier": [{"system": "urn:s", "value": "a|b"}],
  "name": [{"family": "Mc,Coy", "given": ["Leo"]}],
  "telecom": [{"system": "phone", "value": "+1 555"}],
  "birthDate": "1974-12", "managingOrganization": {"reference": "#contained"},
  "generalPractitioner": [{"reference": "Practitioner/1"}]}"""
OBSERVATION = b"""{"resourceType": "Observation", "id": "o", "status": "final",
  "code": {"coding": [{"system": "http://loinc.org", "code": "1-8"}], "text": "no code"},
  "effectivePeriod": {"start": "2020-01-01", "end": "2020-01-31"},
  "valueQuantity": {"value": 1.50, "unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg"}}"""


def asked(content: bytes) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for code, text in searches(loads(content)):
        found.setdefault(code, []).append(text)
    return found


@pytest.mark.parametrize(
    ("code", "texts"),
    [
        ("active", ["true"]),
        ("identifier", [r"a\|b", r"urn:s|a\|b"]),
        ("family", [r"Mc\,Coy"]),
        ("phone", ["+1 555"]),
        ("birthdate", ["1974-12"]),
        ("general-practitioner", ["Practitioner/1"]),
    ],
)
def test_a_patient(code: str, texts: list[str]) -> None:
    assert asked(PATIENT)[code] == texts


def test_a_contained_reference_cannot_be_searched_for() -> None:
    assert "organization" not in asked(PATIENT)
    assert "organization:missing" not in asked(PATIENT)


def test_what_is_there_is_not_missing() -> None:
    assert asked(PATIENT)["birthdate:missing"] == ["false"]
    assert "deathdate:missing" not in asked(PATIENT)
    named = {"resourceType": "Encounter", "subject": {"display": "Eve"}}
    assert ("subject:missing", "false") in searches(named)


@pytest.mark.parametrize(
    ("code", "texts"),
    [
        ("code", ["1-8", "http://loinc.org|1-8"]),
        ("date", ["ge2020-01-01", "le2020-01-31"]),
        ("value-quantity", ["1.50", "1.50|http://unitsofmeasure.org|mg"]),
    ],
)
def test_an_observation(code: str, texts: list[str]) -> None:
    assert asked(OBSERVATION)[code] == texts


def test_a_parameter_without_a_value_is_not_asked_for() -> None:
    nothing: dict[str, Any] = asked(b'{"resourceType": "Observation", "id": "o", "status": "final"}')
    assert set(nothing) == {"_id", "_id:missing", "status", "status:missing"}


@pytest.mark.parametrize(
    ("code", "texts"),
    [
        ("code:text", ["no code"]),
        ("code-value-quantity", ["1-8$1.50", "1-8$1.50|http://unitsofmeasure.org|mg",
                                 "http://loinc.org|1-8$1.50",
                                 "http://loinc.org|1-8$1.50|http://unitsofmeasure.org|mg"]),
    ],
)  # fmt: skip
def test_modifiers_and_composites_of_an_observation(code: str, texts: list[str]) -> None:
    assert asked(OBSERVATION)[code] == texts


def test_a_composite_without_one_of_its_values_is_not_asked_for() -> None:
    assert "code-value-string" not in asked(OBSERVATION)


@pytest.mark.parametrize(
    ("resource", "code", "texts"),
    [
        ({"resourceType": "Encounter", "subject": {"identifier": {"system": "urn:s", "value": "1|2"}}},
         "subject:identifier", [r"1\|2", r"urn:s|1\|2"]),
        ({"resourceType": "Encounter", "subject": {"reference": "Patient/7"}}, "subject:Patient", ["7"]),
        ({"resourceType": "Patient",
          "identifier": [{"value": "9", "type": {"coding": [{"system": "s", "code": "MR"}]}}]},
         "identifier:of-type", ["s|MR|9"]),
        ({"resourceType": "Patient", "identifier": [{"system": "urn:only"}]}, "identifier", ["urn:only|"]),
        ({"resourceType": "Bundle", "type": "message",
          "entry": [{"resource": {"resourceType": "MessageHeader", "id": "m"}}]}, "message", ["MessageHeader/m"]),
        ({"resourceType": "Observation", "valueQuantity": {"value": 5, "comparator": "<"}}, "value-quantity", ["lt5"]),
        ({"resourceType": "RiskAssessment",
          "prediction": [{"probabilityRange": {"low": {"value": 1}, "high": {"value": 2}}}]},
         "probability", ["ge1", "le2"]),
    ],
)  # fmt: skip
def test_what_else_a_value_can_be_asked_by(resource: dict[str, Any], code: str, texts: list[str]) -> None:
    assert [text for found, text in searches(resource) if found == code] == texts


def test_special_parameters() -> None:
    position = {"longitude": 4, "latitude": 52}
    div = "<div>at &#160; <b>Burgers</b> the</div>"
    resource = {"resourceType": "Location", "position": position, "text": {"div": div}}
    assert list(special_searches(resource)) == [
        ("near", "52|4|1|km"), ("_text", "Burgers"), ("_content", "Burgers"),
    ]  # fmt: skip
    assert list(special_searches({"resourceType": "Patient"})) == []
