"""The invariants of the StructureDefinitions. https://hl7.org/fhir/R4/conformance-rules.html#constraints"""

from __future__ import annotations

from typing import Any

import pytest

from fhirserver.model.validation import validate
from fhirserver.model.validation.invariants import broken_invariants, invariants_of
from tests.unit.model.corpus import resources

WHEN = {"question": "1", "operator": "=", "answerBoolean": True}
COVERED = {"resourceType": "Patient", "id": "c", "name": [{"period": {"start": "2026-02", "end": "2026-01"}}]}


def broken(content: dict[str, Any], severity: str = "error") -> list[tuple[str, str]]:
    """Place and key of what is broken."""
    assert [issue for issue in validate(content) if issue.severity == "error"] == []
    found = [issue for issue in broken_invariants(content) if issue.severity == severity]
    return [(issue.expression[0], issue.diagnostics.rpartition("(")[2].rstrip(")")) for issue in found]


def questionnaire(*items: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Questionnaire", "status": "draft", "item": [*items]}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"resourceType": "Patient", "contact": [{"gender": "male"}]}, ("Patient.contact[0]", "pat-1")),
        ({"resourceType": "Patient", "name": [{"period": {"start": "2026-02-01", "end": "2026-01-01"}}]},
         ("Patient.name[0].period", "per-1")),
        ({"resourceType": "Patient", "name": [{"period": {"start": "2026-01-01", "end": "2026-01-01T10:00:00Z"}}]},
         ("Patient.name[0].period", "per-1")),  # neither is less: not shown to hold
        ({"resourceType": "Patient", "photo": [{"data": "AAAA"}]}, ("Patient.photo[0]", "att-1")),
        ({"resourceType": "Patient", "telecom": [{"value": "1"}]}, ("Patient.telecom[0]", "cpt-2")),
        ({"resourceType": "Observation", "status": "final", "code": {"text": "x"},
          "valueQuantity": {"value": 1, "code": "mg"}}, ("Observation.value.ofType(Quantity)", "qty-3")),
        ({"resourceType": "Observation", "status": "final", "code": {"text": "x"},
          "component": [{"code": {"text": "y"}, "referenceRange": [{"age": {"low": {"value": 1}}}]}]},
         ("Observation.component[0].referenceRange[0]", "obs-3")),
        (questionnaire({"linkId": "1", "type": "group", "item": [
            {"linkId": "2", "type": "string", "enableWhen": [WHEN, WHEN]}]}),
         ("Questionnaire.item[0].item[0]", "que-12")),
        (questionnaire({"linkId": "1", "type": "string"}, {"linkId": "1", "type": "string"}),
         ("Questionnaire", "que-2")),
        ({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": COVERED}]},
         ("Bundle.entry[0].resource.name[0].period", "per-1")),
        ({"resourceType": "Patient", "extension": [{"url": "http://x.org/e", "valuePeriod":
          {"start": "2026-02", "end": "2026-01"}}]}, ("Patient.extension[0].value.ofType(Period)", "per-1")),
        ({"resourceType": "Patient", "contained": [COVERED], "link": [{"other": {"reference": "#c"}, "type": "refer"}]},
         ("Patient.contained[0].name[0].period", "per-1")),
        ({"resourceType": "Patient", "contained": [{"resourceType": "Patient", "id": "alone"}]},
         ("Patient.contained[0]", "dom-3")),
    ],
)  # fmt: skip
def test_a_broken_invariant_is_found_where_it_is(content: dict[str, Any], expected: tuple[str, str]) -> None:
    assert broken(content) == [expected]


def test_what_holds_is_silent() -> None:
    period = {"start": "2026-01-01", "end": "2026-01-01"}
    content = {"resourceType": "Patient", "contact": [{"name": {"text": "x"}, "period": period}]}
    assert broken(content) == []
    assert broken(questionnaire({"linkId": "1", "type": "string", "enableWhen": [WHEN]})) == []
    exists = {"question": "1", "operator": "exists", "answerBoolean": True}
    assert broken(questionnaire({"linkId": "1", "type": "string", "enableWhen": [exists]})) == []


def test_a_missing_narrative_is_a_warning() -> None:
    assert ("Patient", "dom-6") in broken({"resourceType": "Patient"}, "warning")


def test_no_value_is_told() -> None:
    issues = broken_invariants({"resourceType": "Patient", "telecom": [{"value": "secret"}]})
    assert issues and "secret" not in repr(issues)


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"resourceType": "Pet"},
        {"resourceType": "Patient", "contact": 7},
        {"resourceType": "Patient", "name": [{"period": {"start": 7, "end": "x"}}]},
    ],
)
def test_malformed_content_is_answered(content: dict[str, Any]) -> None:
    broken_invariants(content)


def test_invariants_come_from_the_definitions() -> None:
    assert "pat-1" in {one.key for one in invariants_of("Patient.contact")}
    assert invariants_of("Nothing.at.all") == ()


def test_the_official_examples_break_none() -> None:
    failed = [
        (name, issue.diagnostics)
        for name, content in resources("fhir-r4/examples-half.tar.xz")
        for issue in broken_invariants(content)
        if issue.severity != "warning"
    ]
    assert failed == []
