"""Practitioners, organisations, places and coverages: what is certainly one."""

from __future__ import annotations

from typing import Any

import pytest

from fhirserver.kernel.json import JsonObject
from fhirserver.world.identity.entities import coverage, location, organization, practitioner

NPI = "http://hl7.org/fhir/sid/us-npi"
GOOD, ALSO_GOOD, BAD = "1234567893", "1245319599", "1234567890"
HOME = {"line": ["12 Main St"], "city": "Springfield", "postalCode": "01103"}


def npi(value: str) -> list[JsonObject]:
    return [{"system": NPI, "value": value}]


def doctor(**members: Any) -> JsonObject:
    return {"name": [{"family": "Okafor", "given": ["Ada"]}], **members}


@pytest.mark.parametrize(
    ("mine", "other", "grade"),
    [
        (doctor(identifier=npi(GOOD)), {"identifier": npi(GOOD)}, "certain"),
        (doctor(identifier=npi(GOOD)), doctor(identifier=npi(ALSO_GOOD)), "certainly-not"),
        (doctor(identifier=npi(BAD)), doctor(identifier=npi(GOOD)), "certainly-not"),
        ({"identifier": npi(BAD)}, {"identifier": npi(BAD)}, "certainly-not"),
        (doctor(), doctor(), "certainly-not"),
        (
            doctor(birthDate="1970-01-02", gender="female"),
            doctor(birthDate="1970-01-02", gender="female"),
            "certain",
        ),
    ],
)
def test_practitioner(mine: JsonObject, other: JsonObject, grade: str) -> None:
    assert practitioner(mine, other).value == grade
    assert practitioner(other, mine).value == grade


ORG = {"name": "Springfield Medical Center, Inc.", "address": [HOME]}


@pytest.mark.parametrize(
    ("mine", "other", "grade"),
    [
        ({**ORG, "identifier": npi(GOOD)}, {"name": "SMC", "identifier": npi(GOOD)}, "certain"),
        ({**ORG, "identifier": npi(GOOD)}, {**ORG, "identifier": npi(ALSO_GOOD)}, "certainly-not"),
        (
            ORG,
            {"name": "springfield medical ctr", "address": [{**HOME, "line": ["12 main street"]}]},
            "certain",
        ),
        (ORG, {"name": "Springfield Medical Center"}, "possible"),
        (
            ORG,
            {**ORG, "address": [{"line": ["400 Oak Rd"], "city": "Dover", "postalCode": "19901"}]},
            "certainly-not",
        ),
        (ORG, {"name": "Springfield Dental", "address": [HOME]}, "certainly-not"),
        ({}, {}, "certainly-not"),
    ],
)
def test_organization(mine: JsonObject, other: JsonObject, grade: str) -> None:
    assert organization(mine, other).value == grade
    assert organization(other, mine).value == grade


def test_location_by_name_and_owner() -> None:
    room: JsonObject = {"name": "Exam Room 2", "managingOrganization": {"reference": "Organization/a"}}
    other: JsonObject = {"name": "Exam Room 2", "managingOrganization": {"reference": "Organization/b"}}
    assert location(room, dict(room)).value == "certain"
    assert location(room, other).value == "possible"
    assert location({**room, "address": HOME}, {"name": "exam room 2", "address": HOME}).value == "certain"
    assert location(room, {**room, "name": "Exam Room 3"}).value == "certainly-not"


def plan(**members: Any) -> JsonObject:
    whole: JsonObject = {
        "subscriberId": "ABC 123-45",
        "beneficiary": {"reference": "Patient/p"},
        "payor": [{"reference": "Organization/payer", "display": "Acme Health, Inc."}],
    }
    return {**whole, **members}


@pytest.mark.parametrize(
    ("other", "grade"),
    [
        (plan(subscriberId="abc12345"), "certain"),
        (plan(payor=[{"display": "Acme Health"}]), "certain"),
        (plan(payor=[{"display": "Other Health"}]), "certainly-not"),
        (plan(beneficiary={"reference": "Patient/q"}), "certainly-not"),
        (plan(subscriberId="ABC12346"), "certainly-not"),
        (plan(payor=[]), "probable"),
    ],
)
def test_coverage(other: JsonObject, grade: str) -> None:
    assert coverage(plan(), other).value == grade
    assert coverage(other, plan()).value == grade
