"""The judge and what was written on a form."""

from __future__ import annotations

from typing import Any

import pytest

from fhirserver.ports.judge import Claim, Finding
from fhirserver.world.judge.deterministic import DeterministicJudge
from fhirserver.world.judge.forms import answer_turns, form_evidence

ITEMS = {
    "phone": "(412) 555-0142",
    "birth-date": "1982-03-03",
    "line": "12 Elm St, Apt 4",
    "city": "Pittsburgh",
    "state": "PA",
    "zip": "15213",
    "payer": "aetna",
    "member": "W123456789",
    "emergency": "Chidi Okafor",
    "emergency-phone": "412 555 0177",
    "texts": "no",
    "allergies": "Penicillin\nPeanuts",
}
PHONE = {"system": "phone", "value": "+14125550142", "use": "mobile"}
ADDRESS = {
    "use": "home",
    "line": ["12 Elm Street, Apt 4"],
    "city": "Pittsburgh",
    "state": "PA",
    "postalCode": "15213",
}
CONTACT = {
    "relationship": [{"coding": [{"code": "C", "display": "Emergency Contact"}]}],
    "name": {"text": "Chidi Okafor", "family": "Okafor", "given": ["Chidi"]},
    "telecom": [{"system": "phone", "value": "+14125550177"}],
}
COVERAGE = {"payor": [{"display": "Aetna"}], "subscriberId": "W123456789", "status": "active"}
RESPONSE = {
    "resourceType": "QuestionnaireResponse",
    "authored": "2026-11-30T10:00:00Z",
    "item": [
        {"linkId": name, "text": name, "answer": [{"valueString": text}]} for name, text in ITEMS.items()
    ],
}


def finding(
    type: str, unit: str, value: Any, *links: str, known: Any = None, **resource: Any
) -> tuple[Finding, str]:
    turns = answer_turns(RESPONSE)
    evidence = form_evidence(RESPONSE, "QuestionnaireResponse/f")
    named = tuple(turns[link] for link in links)
    claim = Claim(type, unit, value, "self-reported", named, resource or {unit: value}, known=known)
    verdict = DeterministicJudge().assess(claim, evidence)
    return verdict.finding, verdict.reasoning


@pytest.mark.parametrize(
    ("type", "unit", "value", "links"),
    [
        ("Patient", "telecom", PHONE, ["phone"]),
        ("Patient", "birthDate", "1982-03-03", ["birth-date"]),
        ("Patient", "address", ADDRESS, ["line", "city", "state", "zip"]),
        (
            "Patient",
            "contact",
            [CONTACT, {"name": {"text": "Somebody Else"}}],
            ["emergency", "emergency-phone"],
        ),
        ("Consent", "provision", {"type": "deny"}, ["texts"]),
        ("AllergyIntolerance", "code", {"text": "Peanuts"}, ["allergies"]),
    ],
)
def test_what_was_written_is_verified(type: str, unit: str, value: Any, links: list[str]) -> None:
    assert finding(type, unit, value, *links)[0] is Finding.VERIFIED


def test_a_coverage_is_verified_with_all_that_follows() -> None:
    for unit in ("payor", "subscriberId", "status"):
        assert finding("Coverage", unit, COVERAGE[unit], "payer", "member", **COVERAGE)[0] is Finding.VERIFIED


@pytest.mark.parametrize(
    ("type", "unit", "value", "links", "resource", "reason"),
    [
        ("Patient", "telecom", {**PHONE, "value": "+14125550199"}, ["phone"], {}, ""),
        ("Patient", "address", {**ADDRESS, "city": "Boston"}, ["line", "city", "state", "zip"], {}, ""),
        (
            "Patient",
            "contact",
            [{**CONTACT, "name": {"text": "X Y"}}],
            ["emergency", "emergency-phone"],
            {},
            "",
        ),
        ("Coverage", "subscriberId", "W123456780", ["member"], COVERAGE, ""),
        ("Consent", "provision", {"type": "permit"}, ["texts"], {}, ""),
        ("AllergyIntolerance", "code", {"text": "Latex"}, ["allergies"], {}, ""),
    ],
)
def test_what_was_not_written_is_not(
    type: str, unit: str, value: Any, links: list[str], resource: dict[str, Any], reason: str
) -> None:
    assert finding(type, unit, value, *links, **resource)[0] is not Finding.VERIFIED


def test_another_value_on_record_contradicts() -> None:
    found, reason = finding("Patient", "birthDate", "1982-03-03", "birth-date", known="1981-03-03")
    assert found is Finding.CONTRADICTED and "on record" in reason and "1981" not in reason


def test_what_a_directory_knows_better_is_doubtful() -> None:
    item = {"linkId": "state", "text": "state", "answer": [{"valueString": "CA"}]}
    RESPONSE_2 = {**RESPONSE, "item": [item if one["linkId"] == "state" else one for one in RESPONSE["item"]]}
    evidence = form_evidence(RESPONSE_2, "QuestionnaireResponse/f")
    claim = Claim("Patient", "address", {**ADDRESS, "state": "CA"})
    verdict = DeterministicJudge().assess(claim, evidence)
    assert verdict.finding is Finding.DOUBTFUL and "ZIP" in verdict.reasoning
    other = {**RESPONSE, "item": [{"linkId": "payer", "text": "p", "answer": [{"valueString": "Uncle Bob"}]}]}
    claim = Claim("Coverage", "payor", {"display": "Uncle Bob"})
    verdict = DeterministicJudge().assess(claim, form_evidence(other, "QuestionnaireResponse/f"))
    assert verdict.finding is Finding.DOUBTFUL and "directory" in verdict.reasoning
