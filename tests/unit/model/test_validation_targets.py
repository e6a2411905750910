"""What references may point at: by their text, by what is contained, by what is in the Bundle."""

from __future__ import annotations

from typing import Any

import pytest

from fhirserver.model.validation import validate
from tests.unit.model.profiles import issues, validator

ONE, OTHER = (f"urn:uuid:c757873d-ec9a-4326-a141-556f4323952{digit}" for digit in "01")
VALIDATOR = validator()


def observation(**members: Any) -> dict[str, Any]:
    return {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, **members}


def said(resource: dict[str, Any], severity: str = "error") -> list[str]:
    found = issues(VALIDATOR.validate(resource), severity)
    return [f"{place} {words}" for place, words in found if "reference" in place]


@pytest.mark.parametrize(
    "text", ["Medication/1", "http://example.org/fhir/Medication/1/_history/2", "Medication?a=b"]
)
def test_a_type_of_another_kind_is_an_error_on_every_write(text: str) -> None:
    (issue,) = validate(observation(subject={"reference": text}))
    assert (issue.severity, issue.expression) == ("error", ("Observation.subject.reference",))
    assert "Medication; the element takes Device or Group or Location or Patient" in issue.diagnostics


@pytest.mark.parametrize("text", ["Practitioner/1", "DeviceDefinition/1"])
def test_a_neighbour_of_what_is_allowed_is_a_warning_as_official_examples_have_it(text: str) -> None:
    (issue,) = validate(observation(subject={"reference": text}))
    assert issue.severity == "warning"


@pytest.mark.parametrize(("type_name", "severity"), [("Medication", "error"), ("Organization", "warning")])
def test_the_type_of_what_is_contained_counts(type_name: str, severity: str) -> None:
    held = {"resourceType": type_name, "id": "c"}
    found = said(observation(contained=[held], subject={"reference": "#c"}), severity)
    assert any("Observation.subject.reference" in one and f"points at a {type_name}" in one for one in found)
    assert not said(observation(contained=[{**held, "resourceType": "Patient"}], subject={"reference": "#c"}))


def bundle(kind: str, reference: str, target: str) -> dict[str, Any]:
    entries = [(ONE, observation(subject={"reference": reference})), (OTHER, {"resourceType": target})]
    request = {"request": {"method": "POST", "url": "x"}} if kind in ("transaction", "batch") else {}
    made = [{"fullUrl": url, "resource": held, **request} for url, held in entries]
    return {"resourceType": "Bundle", "type": kind, "entry": made}


def test_the_type_of_the_entry_counts() -> None:
    place = "Bundle.entry[0].resource.subject.reference"
    (error,) = said(bundle("collection", OTHER, "Medication"))
    assert error.startswith(place)
    assert not said(bundle("collection", OTHER, "Patient"))


@pytest.mark.parametrize(
    ("kind", "severity"), [("transaction", "error"), ("batch", "error"), ("collection", "warning")]
)
def test_a_urn_leads_to_an_entry(kind: str, severity: str) -> None:
    nowhere = OTHER[:-1] + "9"
    (found,) = said(bundle(kind, nowhere, "Patient"), severity)
    assert "Bundle.entry[0].resource.subject.reference: leads to no entry" in found
    assert not said(bundle(kind, OTHER, "Patient"), severity)


def test_a_urn_outside_of_a_bundle_leads_nowhere() -> None:
    (found,) = said(observation(subject={"reference": ONE}), "warning")
    assert "leads nowhere" in found


def test_a_choice_in_a_document_is_named_as_fhirpath_finds_it() -> None:
    extension = {"url": "http://example.org/x", "valueReference": {"reference": "Patient/none"}}
    composition = {
        "resourceType": "Composition", "status": "final", "type": {"text": "x"}, "date": "2020", "title": "x",
        "author": [{"reference": ONE}], "extension": [extension],
    }  # fmt: skip
    entries = [
        {"fullUrl": OTHER, "resource": composition},
        {"fullUrl": ONE, "resource": {"resourceType": "Practitioner"}},
    ]
    document = {
        "resourceType": "Bundle", "type": "document", "timestamp": "2020-01-01T00:00:00Z", "entry": entries,
        "identifier": {"system": "http://example.org/x", "value": "1"},
    }  # fmt: skip
    (found,) = said(document)
    assert found.startswith("Bundle.entry[0].resource.extension[0].value.ofType(Reference).reference ")
