"""Scopes in plain words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fhirserver.access.scopes import parse_scopes
from fhirserver.rest.smart.consent_words import Line, consent, summary


@pytest.mark.parametrize(
    ("scope", "verbs", "what", "writes"),
    [
        ("patient/*.rs", "See", "everything in the record", False),
        ("patient/*.read", "See", "everything in the record", False),
        ("patient/Observation.cruds", "See, add, change and delete", "measurements and test results", True),
        ("patient/Observation.c", "Add", "measurements and test results", True),
        ("user/MedicationRequest.ru", "See and change", "prescriptions", True),
        ("patient/MolecularSequence.rs", "See", "molecular sequence", False),
        (
            "patient/Observation.rs?category=vital-signs",
            "See",
            "vital signs, such as blood pressure and weight",
            False,
        ),
        (
            "patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory",
            "See",
            "laboratory results",
            False,
        ),
        (
            "patient/Observation.rs?code=http://loinc.org|8302-2",
            "See",
            "measurements and test results, only with code 8302-2",
            False,
        ),
        (
            "patient/Condition.rs?category=health-concern&clinical-status=active",
            "See",
            "health problems and diagnoses, only with category health-concern, clinical-status active",
            False,
        ),
    ],
)
def test_each_scope_is_said(scope, verbs, what, writes) -> None:
    told = consent(parse_scopes(scope))
    lines = [replace(line, parts=()) for line in (*told.record, *told.others)]
    assert lines == [Line(str(parse_scopes(scope)), verbs, what, writes)]


@pytest.mark.parametrize(
    ("scope", "said"),
    [
        (
            "patient/Condition.rs",
            {"diagnoses made at visits", "health concerns", "the list of health problems"},
        ),
        ("patient/Condition.rs?code=x", set()),
        ("patient/Goal.rs", set()),
        ("patient/*.rs", set()),
    ],
)
def test_parts_of_a_type_are_said(scope: str, said: set[str]) -> None:
    (line,) = consent(parse_scopes(scope)).record
    assert {part.what for part in line.parts} == said
    assert all(part.value.startswith(f"{scope}?category=") for part in line.parts)


def test_what_reads_comes_before_what_alters() -> None:
    told = consent(
        parse_scopes("patient/Patient.cu patient/Goal.rs patient/Condition.rs patient/AllergyIntolerance.u")
    )
    assert [line.value for line in told.record] == [
        "patient/Goal.rs",
        "patient/Condition.rs",
        "patient/AllergyIntolerance.u",
        "patient/Patient.cu",
    ]


def test_what_an_app_cannot_do_without_is_not_asked_about() -> None:
    told = consent(
        parse_scopes("openid fhirUser launch/patient launch/encounter offline_access patient/Goal.rs")
    )
    assert told.always == ["openid", "fhirUser", "launch/patient", "launch/encounter"]
    assert told.who_you_are and told.place and told.offline and not told.online
    assert summary(parse_scopes("offline_access patient/Goal.rs")) == [
        "See health goals",
        "Go on when you do not use it",
    ]


def test_nothing_that_is_offered_is_left_out() -> None:
    text = "openid profile launch launch/patient offline_access online_access patient/*.rs user/Goal.cruds"
    scopes = parse_scopes(text)
    told = consent(scopes)
    shown = {*told.always, *(line.value for line in (*told.record, *told.others))}
    shown |= {"offline_access"} if told.offline else set()
    shown |= {"online_access"} if told.online else set()
    assert shown == {*scopes.context, *map(str, scopes.access)}
