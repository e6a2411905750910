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


OBSERVATION: JsonObject = {
    "resourceType": "Observation",
    "id": "o",
    "status": "final",
    "code": {"text": "x", "coding": [{"code": "1", "extension": [{"url": "urn:e", "valueBoolean": True}]}]},
    "subject": {"reference": "Patient/p"},
    "note": [{"text": "no part of a summary"}],
    "component": [
        {
            "code": {"text": "c"},
            "valueBoolean": False,
            "interpretation": [{"text": "no part of a summary"}],
            "referenceRange": [{"text": "no part of a summary"}],
        }
    ],
}


async def _found(server: Facade, url: str) -> dict[str, JsonObject]:
    answer = await server.ehr.get(url)
    assert answer.status_code == 200, answer.text
    return {entry["resource"]["resourceType"]: entry["resource"] for entry in answer.json()["entry"]}


def _is_subsetted(resource: JsonObject) -> bool:
    return "SUBSETTED" in {tag["code"] for tag in resource["meta"]["tag"]}


async def test_a_summary_holds_nothing_below_its_elements_that_is_none(server: Facade) -> None:
    await server.ehr.put(patient("p", contact=[{"name": {"family": "x"}}], photo=[{"title": "x"}]))
    await server.ehr.put(OBSERVATION)
    found = await _found(server, "Observation?_id=o&_summary=true&_include=Observation:subject")
    summary = found["Observation"]
    assert summary["component"] == [{"code": {"text": "c"}, "valueBoolean": False}]
    assert summary["code"] == OBSERVATION["code"]
    assert "note" not in summary and _is_subsetted(summary)
    assert found["Patient"].keys().isdisjoint({"contact", "photo"}) and _is_subsetted(found["Patient"])


async def test_elements_do_not_concern_what_is_included(server: Facade) -> None:
    await server.ehr.put(patient("p", gender="male"))
    await server.ehr.put(OBSERVATION)
    found = await _found(server, "Observation?_id=o&_elements=subject&_include=Observation:subject")
    assert found["Observation"].keys() == {"resourceType", "id", "meta", "status", "code", "subject"}
    assert found["Patient"]["gender"] == "male" and not _is_subsetted(found["Patient"])


async def test_elements_may_be_named_by_path(server: Facade) -> None:
    name = {"family": "Chalmers", "given": ["Peter"], "use": "official"}
    await server.ehr.put(patient("p", name=[name], gender="male"))
    found = await _found(server, "Patient?_id=p&_elements=name.family,Patient.gender")
    assert found["Patient"]["name"] == [{"family": "Chalmers"}]
    assert found["Patient"]["gender"] == "male"
    found = await _found(server, "Patient?_id=p&_elements=name.suffix")
    assert found["Patient"].keys() == {"resourceType", "id", "meta"}
    await server.ehr.put(OBSERVATION)
    found = await _found(server, "Observation?_id=o&_elements=component.value")
    assert found["Observation"]["component"] == [{"code": {"text": "c"}, "valueBoolean": False}]
    assert (await server.ehr.get("Patient?_elements=name.nothing")).status_code == 400
    assert (await server.ehr.get("Patient?_elements=name.")).status_code == 400
