"""What campaigns and forms write, judged by the server's own ``$validate``: profiles, terminology, invariants."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from agent.campaigns.definition import campaign
from agent.campaigns.plan import plan_definition
from agent.campaigns.shipped import shipped
from agent.forms.answers import to_items
from agent.forms.catalogue import CATALOGUE
from agent.forms.claims import Form, claims
from agent.forms.pictures import document
from agent.forms.questionnaire import questionnaire, url_of
from agent.forms.record import PatientFile
from fhirserver.kernel.json import JsonObject
from tests.facade import Facade, facade

AT = datetime(2026, 11, 30, 12, tzinfo=UTC)
TODAY = AT.date()
ADA: JsonObject = {"resourceType": "Patient", "id": "ada", "birthDate": "2012-03-03"}
GIVEN = {
    "phone": "(412) 555-0142", "phone-use": "home", "pharmacy": "Corner Pharmacy", "guardian-name": "Ann Okafor",
    "guardian-relation": "PRN", "guardian-phone": "412 555 0143", "language": "es", "coverage-has": "yes",
    "coverage-payer": "Aetna", "coverage-member": "W123456789", "allergies-any": "no", "medications-any": "yes",
    "medications-list": "Aspirin", "consent-texts": "yes", "consent-calls": "no",
}  # fmt: skip
STYLE = ("dom-6",)
"""Not asked for: a narrative."""
EXTENSIBLE = ("consent-category", "consent-policy", "another display")
"""Value sets that are open, to which our codes are not; words for patients in place of those of a code system."""


async def judged(server: Facade, resource: JsonObject, *allowed: str) -> list[str]:
    """Errors and warnings."""
    asked = {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": resource}]}
    answer = await server.ehr("POST", f"{resource['resourceType']}/$validate", asked)
    issues: list[dict[str, Any]] = answer.json()["issue"]
    told = [str(one.get("diagnostics")) for one in issues if one["severity"] in ("error", "warning", "fatal")]
    return [text for text in told if not any(word in text for word in (*STYLE, *allowed))]


async def test_a_campaign_as_fhir_readers_see_it(tmp_path: Path) -> None:
    async with facade(tmp_path) as server:
        for one in shipped():
            plan = plan_definition(one.id, one.title, campaign(dict(one.document)), "active")
            assert await judged(server, plan) == []


async def test_a_form_its_answers_and_what_they_claim(tmp_path: Path) -> None:
    subjects = list(CATALOGUE)
    asked = questionnaire("f", "Form", subjects, (), "2026-11-30T12:00:00Z")
    response: JsonObject = {
        "resourceType": "QuestionnaireResponse", "id": "f", "questionnaire": url_of("f"), "status": "completed",
        "subject": {"reference": "Patient/ada"}, "item": to_items(subjects, GIVEN),
    }  # fmt: skip
    file = PatientFile(ADA, date(2026, 11, 30), {"Appointment": ()})
    made = claims(Form("f", file, GIVEN, AT, {"display": "Aetna"}), subjects, {"*", *_types()})
    async with facade(tmp_path) as server:
        assert await judged(server, asked, *EXTENSIBLE) == []
        held = response | {"contained": [asked], "questionnaire": "#f"}  # a stored one is not looked up
        assert await judged(server, held, *EXTENSIBLE) == []
        for claim in made:
            assert await judged(server, claim.resource, *EXTENSIBLE) == [], claim.resource
    assert {one.resource["resourceType"] for one in made} > {
        "Patient",
        "Coverage",
        "Consent",
        "RelatedPerson",
    }


async def test_a_card_that_was_sent(tmp_path: Path) -> None:
    async with facade(tmp_path) as server:
        card = document("f-front", "Patient/ada", b"\xff\xd8\xff", "image/jpeg", AT)
        assert await judged(server, card) == []


def _types() -> set[str]:
    return {
        "Patient", "Coverage", "RelatedPerson", "AllergyIntolerance", "MedicationStatement", "Consent", "Appointment",
    }  # fmt: skip
