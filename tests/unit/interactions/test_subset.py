"""``_summary`` and ``_elements`` wherever resources are answered. https://hl7.org/fhir/R4/search.html#summary"""

from __future__ import annotations

import pytest

from fhirserver.interactions.subset import Subset, subset_resource
from fhirserver.kernel.json import JsonObject
from tests.facade import Facade, expressions, patient

DOCUMENT: JsonObject = {
    "resourceType": "DocumentReference",
    "id": "d",
    "status": "current",
    "identifier": [{"system": "urn:d", "value": "1", "extension": [{"url": "urn:x", "valueCode": "y"}]}],
    "content": [{"attachment": {"contentType": "text/plain", "data": "aGVsbG8=", "title": "t"}}],
    "context": {"period": {"start": "2026"}, "sourcePatientInfo": {"reference": "Patient/p"}},
}


def test_a_summary_has_no_more_of_the_elements_inside_than_the_specification_marks() -> None:
    found = subset_resource(DOCUMENT, "DocumentReference", Subset("true"))
    assert found["content"] == [{"attachment": {"contentType": "text/plain", "title": "t"}}]
    assert found["identifier"] == DOCUMENT["identifier"]


def test_a_summary_of_a_bundle_keeps_its_resources() -> None:
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": DOCUMENT}]}
    assert subset_resource(bundle, "Bundle", Subset("true"))["entry"] == bundle["entry"]


async def test_a_summary_of_what_the_server_does_names_types_and_operations(server: Facade) -> None:
    answer = await server.anonymous.get("metadata?_summary=true")
    (rest,) = answer.json()["rest"]
    assert {"mode", "resource", "operation"} <= rest.keys()
    assert rest["resource"][0].keys() <= {"type", "profile", "supportedProfile", "operation"}
    assert "searchParam" in (await server.anonymous.get("metadata")).json()["rest"][0]["resource"][0]


@pytest.mark.parametrize("path", ["Patient/p/_history", "Patient/_history", "_history"])
async def test_a_history_of_parts(server: Facade, path: str) -> None:
    await server.ehr.put(patient("p", gender="male", birthDate="1990-01-01", contact=[{"gender": "male"}]))
    await server.ehr("DELETE", "Patient/p")
    for query, there in (
        ("_elements=gender", {"gender"}),
        ("_elements=Patient.gender", {"gender"}),
        ("_summary=true", {"gender", "birthDate", "name"}),
        ("_summary=data", {"gender", "birthDate", "name", "contact"}),
        ("_summary=false", {"gender", "birthDate", "name", "contact"}),
    ):
        answer = (await server.ehr.get(f"{path}?{query}")).json()
        made = next(
            e["resource"] for e in answer["entry"] if e["fullUrl"].endswith("Patient/p") and "resource" in e
        )
        assert made.keys() - {"resourceType", "id", "meta"} == there, query
        marked = "SUBSETTED" in [tag["code"] for tag in made["meta"]["tag"]]
        assert marked == (query != "_summary=false")
    counted = (await server.ehr.get(f"{path}?_summary=count")).json()
    assert "entry" not in counted
    assert counted["total"] >= 2
    for query, name in (("_elements=nonsense", "_elements"), ("_summary=maybe", "_summary")):
        answer = await server.ehr.get(f"{path}?{query}")
        assert (answer.status_code, expressions(answer)) == (400, [f"http.{name}"])
