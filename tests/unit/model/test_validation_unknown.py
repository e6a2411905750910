"""What is said of members that a type does not have."""

from __future__ import annotations

from typing import Any

import pytest

from fhirserver.model.fhirpath import compile_path
from fhirserver.model.validation import validate


def found(**members: Any) -> tuple[str, str]:
    (issue,) = validate({"resourceType": "Patient", **members})
    return issue.expression[0], issue.diagnostics.partition(": ")[2]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("brithDate", "birthDate"),
        ("birthdate", "birthDate"),
        ("nam", "name"),
        ("Gender", "gender"),
        ("_birthDay", "_birthDate"),
        ("birth_date", "birthDate"),
        ("birth-date", "birthDate"),
    ],
)
def test_a_near_miss_names_what_is_meant(name: str, meant: str) -> None:
    assert found(**{name: "x"})[1] == f"unknown property; is {meant} meant?"


@pytest.mark.parametrize("name", ["deceased", "deceasedString", "_deceasedString"])
def test_a_choice_is_told_its_types(name: str) -> None:
    words = "unknown property; deceased[x] is written deceasedBoolean or deceasedDateTime"
    assert found(**{name: True})[1] == words


def test_a_choice_of_many_types_is_told_the_nearest() -> None:
    issue = validate({"resourceType": "Parameters", "parameter": [{"name": "x", "valueBool": True}]})[0]
    assert "valueBoolean" in issue.diagnostics
    assert len(issue.diagnostics) < 200


@pytest.mark.parametrize("name", ["zzzz", "a", "x-ray-picture"])
def test_what_is_like_nothing_gets_no_guess(name: str) -> None:
    assert found(**{name: "x"})[1] == "unknown property"


@pytest.mark.parametrize("name", ["fhir_comments", "birth-date", "_x", "0a", "x:y", "$ref"])
def test_the_place_is_fhirpath(name: str) -> None:
    place = found(**{name: 1})[0]
    assert name in place
    compile_path(place, "Patient", strict=False)


@pytest.mark.parametrize("name", ["", "Jane Doe", "a`b", "a'b", "é", "x" * 65])
def test_a_name_that_could_hold_anything_is_not_repeated(name: str) -> None:
    place, words = found(**{name: 1})
    assert place == "Patient"
    assert not name or name not in words
