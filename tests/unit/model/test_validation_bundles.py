"""The rules of Bundles. https://hl7.org/fhir/R4/bundle.html#invs"""

from __future__ import annotations

from typing import Any

import pytest

from fhirserver.model.validation import validate

PATIENT = {"resourceType": "Patient", "id": "p"}
URL = "http://example.org/fhir/Patient/p"
GET = {"method": "GET", "url": "Patient/p"}
COMPOSITION = {
    "resourceType": "Composition",
    "status": "final",
    "type": {"text": "note"},
    "date": "2026-01-01",
    "author": [{"display": "Dr"}],
    "title": "t",
}


def bundle(type: str, *entries: dict[str, Any], **members: Any) -> dict[str, Any]:
    listed = {"entry": [*entries]} if entries else {}
    return {"resourceType": "Bundle", "type": type, **members, **listed}


def document(*entries: dict[str, Any], **members: Any) -> dict[str, Any]:
    identifier = {"system": "urn:s", "value": "1"}
    return bundle(
        "document", *entries, **{"identifier": identifier, "timestamp": "2026-01-01T00:00:00Z", **members}
    )


def errors(content: dict[str, Any], partial: bool = False) -> list[str]:
    return [e for i in validate(content, partial) if i.severity == "error" for e in i.expression]


@pytest.mark.parametrize(
    "content",
    [
        bundle("collection", {"fullUrl": URL, "resource": PATIENT}),
        bundle("collection", {"resource": PATIENT}, {"resource": PATIENT}),
        bundle("searchset", {"fullUrl": URL, "resource": PATIENT, "search": {"mode": "match"}}, total=1),
        bundle("transaction", {"fullUrl": "urn:uuid:0d5f2b6c-5f2c-4a1c-9a8e-7f5b5d4c3b2a", "request": GET}),
        bundle("history", {"fullUrl": URL, "request": GET, "response": {"status": "200"}},
               {"fullUrl": URL, "request": GET, "response": {"status": "200"}}, total=2),
        bundle("collection", {"fullUrl": URL, "resource": {**PATIENT, "meta": {"versionId": "1"}}},
               {"fullUrl": URL, "resource": {**PATIENT, "meta": {"versionId": "2"}}}),
        document({"fullUrl": "http://x.org/Composition/1", "resource": COMPOSITION}),
        bundle("collection", link=[{"relation": "self", "url": "a"}, {"relation": "license", "url": "b"},
                                   {"relation": "license", "url": "c"}, {"relation": "next", "url": "d"}]),
    ],
)  # fmt: skip
def test_what_a_bundle_may_be(content: dict[str, Any]) -> None:
    assert errors(content) == []


@pytest.mark.parametrize(
    ("content", "expression"),
    [
        (bundle("collection", total=1), "Bundle.total"),
        (bundle("collection", {"resource": PATIENT, "search": {"mode": "match"}}), "Bundle.entry[0].search"),
        (bundle("batch", {"resource": PATIENT}), "Bundle.entry[0].request"),
        (bundle("collection", {"resource": PATIENT, "request": GET}), "Bundle.entry[0].request"),
        (bundle("batch-response", {"resource": PATIENT}), "Bundle.entry[0].response"),
        (bundle("searchset", {"resource": PATIENT, "response": {"status": "200"}}), "Bundle.entry[0].response"),
        (bundle("collection", {"fullUrl": URL}), "Bundle.entry[0]"),
        (bundle("collection", {"fullUrl": "Patient/p", "resource": PATIENT}), "Bundle.entry[0].fullUrl"),
        (bundle("collection", {"fullUrl": f"{URL}/_history/1", "resource": PATIENT}), "Bundle.entry[0].fullUrl"),
        (bundle("collection", {"fullUrl": URL, "resource": PATIENT}, {"fullUrl": URL, "resource": PATIENT}),
         "Bundle.entry[1].fullUrl"),
        (bundle("message", {"resource": PATIENT}), "Bundle"),
        (document(), "Bundle"),
        (document({"resource": COMPOSITION}, identifier={"value": "1"}), "Bundle.identifier"),
        (bundle("document", {"resource": COMPOSITION}, identifier={"system": "u", "value": "1"}), "Bundle.timestamp"),
        (bundle("collection", link=[{"relation": "self", "url": "a"}, {"relation": "self", "url": "b"}]),
         "Bundle.link[1].relation"),
        (bundle("collection", {"resource": bundle("collection", total=1)}), "Bundle.entry[0].resource.total"),
    ],
)  # fmt: skip
def test_what_a_bundle_may_not_be(content: dict[str, Any], expression: str) -> None:
    assert errors(content) == [expression]


def test_a_partial_statement_may_leave_things_out() -> None:
    assert errors(bundle("batch", {"resource": PATIENT}), partial=True) == []


@pytest.mark.parametrize(
    "content",
    [{"resourceType": "Bundle", "type": [7], "entry": [{}]}, bundle("collection", entry=7),
     bundle("document", entry=[7]), bundle("collection", {"fullUrl": 7, "resource": 7}, {"fullUrl": [URL]}),
     bundle("history", link=[7, {"relation": []}])],
)  # fmt: skip
def test_malformed_bundles_are_answered(content: dict[str, Any]) -> None:
    assert errors(content)
