"""Searches as a client would write them."""

from __future__ import annotations

from typing import Any

import pytest

from fhirserver.kernel.json import loads
from tests.corpus.search_values import searches

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
    assert set(nothing) == {"_id", "status"}
