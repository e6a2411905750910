"""The order in which a transaction is processed, and what its reads see. https://hl7.org/fhir/R4/http.html#trules"""

from __future__ import annotations

from typing import Any

import pytest

from fhirserver.kernel.json import JsonObject
from tests.facade import BASE, Facade, entry, expressions, issues, patient

MRN = "Patient?identifier=urn:mrn|7"


def seven(id: str = "", **members: Any) -> JsonObject:
    return patient(id, identifier=[{"system": "urn:mrn", "value": "7"}], **members)


def observation(subject: str = "", **members: Any) -> JsonObject:
    made = {"resourceType": "Observation", "status": "final", "code": {"text": "pulse"}, **members}
    return {**made, "subject": {"reference": subject}} if subject else made


def statuses(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [one["response"]["status"] for one in answer.json()["entry"]]


async def test_a_conditional_reference_may_mean_what_the_transaction_creates(server: Facade) -> None:
    answer = await server.ehr.transaction(
        entry("POST", "Observation", observation(MRN)), entry("POST", "Patient", seven())
    )
    assert statuses(answer) == ["201", "201"]
    made, person = (one["resource"] for one in answer.json()["entry"])
    assert made["subject"]["reference"] == f"Patient/{person['id']}"


async def test_a_conditional_reference_is_resolved_after_the_writes(server: Facade) -> None:
    await server.ehr.put(seven("old"))
    replaced = await server.ehr.transaction(
        entry("POST", "Observation", observation(MRN)),
        entry("DELETE", "Patient/old"),
        entry("PUT", "Patient/new", seven("new")),
    )
    assert replaced.json()["entry"][0]["resource"]["subject"]["reference"] == "Patient/new"
    changed = await server.ehr.transaction(
        entry("POST", "Observation", observation(MRN)), entry("PUT", "Patient/new", patient("new"))
    )
    assert (changed.status_code, issues(changed)[0]["code"]) == (412, "not-found")
    assert expressions(changed) == ["Bundle.entry[0].resource.subject.reference"]
    twice = await server.ehr.transaction(
        entry("POST", "Patient", seven()), entry("POST", "Observation", observation(MRN))
    )
    assert (twice.status_code, issues(twice)[0]["code"]) == (412, "multiple-matches")
    assert expressions(twice) == ["Bundle.entry[1].resource.subject.reference"]
    assert await server.ehr.ids("Patient") == ["new"]


async def test_a_conditional_create_comes_after_the_deletes(server: Facade) -> None:
    await server.ehr.put(seven("old"))
    answer = await server.ehr.transaction(
        entry("POST", "Patient", seven(), ifNoneExist="identifier=urn:mrn|7"),
        entry("DELETE", "Patient/old"),
    )
    assert statuses(answer) == ["201", "204"]
    assert len(await server.ehr.ids("Patient")) == 1


async def test_links_to_a_conditional_create_follow_what_it_matches_wherever_they_are(server: Facade) -> None:
    await server.ehr.put(seven("p"))
    place = "urn:uuid:5f0c0c5e-0001-4000-8000-000000000001"
    div = f'<div xmlns="http://www.w3.org/1999/xhtml"><a href="{place}">x</a></div>'
    note = observation(place, text={"status": "generated", "div": div})
    note["extension"] = [{"url": "urn:x", "valueUri": place}]
    answer = await server.ehr.transaction(
        entry("POST", "Observation", note),
        entry("POST", "Patient", seven(), full_url=place, ifNoneExist="identifier=urn:mrn|7"),
    )
    made = answer.json()["entry"][0]["resource"]
    assert made["subject"]["reference"] == "Patient/p"
    assert made["extension"][0]["valueUri"] == "Patient/p"
    assert 'href="Patient/p"' in made["text"]["div"]


async def test_reads_of_every_kind_see_the_writes(server: Facade) -> None:
    await server.ehr.put(patient("p"))
    answer = await server.ehr.transaction(
        entry("GET", "Patient/p"),
        entry("GET", "Patient/p/_history/1"),
        entry("GET", "Patient/p/_history"),
        entry("GET", "Patient/_history"),
        entry("GET", "_history?_count=1"),
        entry("GET", "Patient?gender=female"),
        entry("GET", "?_type=Patient&_id=p"),
        entry("GET", "Patient/p/Observation"),
        entry("GET", f"{BASE}/Patient/p/$lineage"),
        entry("POST", "Patient/_search?gender=female"),
        entry(
            "POST",
            "Patient/$validate",
            {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": patient()}]},
        ),
        entry("HEAD", "Patient/p"),
        entry("PUT", "Patient/p", patient("p", gender="female")),
        entry("POST", "Observation", observation("Patient/p")),
    )
    assert answer.status_code == 200, answer.text
    found = answer.json()["entry"]
    read, version, instance, type, system, search, everywhere, compartment, *_ = found
    assert read["resource"]["gender"] == "female"
    assert (version["resource"]["meta"]["versionId"], "gender" in version["resource"]) == ("1", False)
    assert [len(one["resource"]["entry"]) for one in (instance, type, system)] == [2, 2, 1]
    for one in (search, everywhere, found[9]):
        assert [inner["resource"]["id"] for inner in one["resource"]["entry"]] == ["p"]
    assert compartment["resource"]["entry"][0]["resource"]["resourceType"] == "Observation"
    assert found[8]["resource"]["resourceType"] == "Parameters"
    assert found[10]["resource"]["resourceType"] == "OperationOutcome"
    assert "resource" not in found[11]
    assert found[11]["response"]["etag"] == 'W/"2"'


@pytest.mark.parametrize("kind", ["transaction", "batch"])
async def test_conditional_reads(server: Facade, kind: str) -> None:
    await server.ehr.put(patient("p"))
    answer = await server.ehr.bundle(
        kind,
        entry("GET", "Patient/p", ifNoneMatch='W/"1"'),
        entry("GET", "Patient/p", ifModifiedSince="2199-01-01T00:00:00+02:00"),
        entry("GET", "Patient/p", ifModifiedSince="2001-01-01T00:00:00Z"),
        entry("GET", "Patient/p/_history/1", ifNoneMatch='W/"1"'),
    )
    assert statuses(answer) == ["304", "304", "200", "304"]
    assert ["resource" in one for one in answer.json()["entry"]] == [False, False, True, False]


async def test_a_read_that_is_refused_does_not_hide_what_was_written(server: Facade) -> None:
    answer = await server.ehr.transaction(
        entry("GET", "Patient/none"),
        entry("GET", "Patient?nmae=x"),
        entry("GET", "Patient/p/$nope"),
        entry("PUT", "Patient/p", patient("p")),
    )
    assert statuses(answer) == ["404", "400", "404", "201"]
    found = answer.json()["entry"]
    assert found[1]["response"]["outcome"]["issue"][0]["expression"] == ["Bundle.entry[1].request.url"]


async def test_an_operation_that_changes_something_is_no_part_of_a_transaction(server: Facade) -> None:
    await server.ehr.put(patient("p"))
    meta = {
        "resourceType": "Parameters",
        "parameter": [{"name": "meta", "valueMeta": {"tag": [{"code": "x"}]}}],
    }
    answer = await server.ehr.transaction(
        entry("POST", "Patient", patient()), entry("POST", "Patient/p/$meta-add", meta)
    )
    assert (answer.status_code, expressions(answer)) == (400, ["Bundle.entry[1].request.url"])
    assert await server.ehr.ids("Patient") == ["p"]
    assert statuses(await server.ehr.batch(entry("POST", "Patient/p/$meta-add", meta))) == ["200"]


async def test_all_that_is_wrong_is_said_at_once(server: Facade) -> None:
    answer = await server.ehr.transaction(
        entry("POST", "Patient", patient(gender="no")),
        entry("POST", "Patient", patient()),
        entry("PUT", "Patient/a", patient("b")),
    )
    assert answer.status_code == 422
    assert expressions(answer) == ["Bundle.entry[0].resource.gender", "Bundle.entry[2].resource.id"]
    answer = await server.ehr.transaction({"resource": patient()}, {"request": {}})
    assert answer.status_code == 400
    assert {where.split(".request")[0] for where in expressions(answer)} == {
        "Bundle.entry[0]",
        "Bundle.entry[1]",
    }


async def test_the_id_of_a_posted_resource_is_ignored(server: Facade) -> None:
    for answer in (
        await server.ehr.transaction(entry("POST", "Patient", patient("not an id!"))),
        await server.ehr.batch(entry("POST", "Patient", patient("not an id!"))),
    ):
        assert statuses(answer) == ["201"]
    assert (await server.ehr.post(patient("not an id!"))).status_code == 201
    with_id = await server.ehr.transaction(entry("POST", "Patient/p", patient("p")))
    assert (with_id.status_code, expressions(with_id)) == (400, ["Bundle.entry[0].request.url"])


@pytest.mark.parametrize("kind", ["transaction", "batch"])
@pytest.mark.parametrize(
    ("preferred", "resource", "outcome"),
    [
        ("minimal", False, False),
        ("representation", True, False),
        ("OperationOutcome", False, True),
        ("x", True, False),
    ],
)
async def test_what_is_preferred(
    server: Facade, kind: str, preferred: str, resource: bool, outcome: bool
) -> None:
    await server.ehr.put(patient("p"))
    await server.ehr.put(patient("gone"))
    answer = await server.ehr.bundle(
        kind,
        entry("POST", "Patient", patient()),
        entry("PUT", "Patient/p", patient("p", gender="male")),
        entry("GET", "Patient/p"),
        entry("DELETE", "Patient/gone"),
        prefer=f"return={preferred}",
    )
    created, updated, read, deleted = answer.json()["entry"]
    for one in (created, updated):
        assert "resource" in one if resource else "resource" not in one
        assert ("outcome" in one["response"]) == outcome
        assert one["response"]["location"].startswith(f"{BASE}/Patient/")
        assert one["response"]["etag"]
    assert read["resource"]["id"] == "p"
    assert ("outcome" in deleted["response"]) == outcome
    assert deleted["response"]["etag"] == 'W/"2"'
    assert "resource" not in deleted


async def test_entries_of_a_batch_may_not_refer_to_each_other(server: Facade) -> None:
    place = "urn:uuid:5f0c0c5e-0001-4000-8000-000000000001"
    group = {
        "resourceType": "Group",
        "type": "person",
        "actual": True,
        "member": [{"entity": {"reference": place}}],
    }
    answer = await server.ehr.batch(
        entry("POST", "Group", group),
        entry("POST", "Patient", patient(), full_url=place),
        entry("POST", "Observation", observation("Patient/elsewhere")),
    )
    refused, *others = answer.json()["entry"]
    assert refused["response"]["status"] == "400"
    (issue,) = refused["response"]["outcome"]["issue"]
    assert (issue["code"], issue["expression"]) == (
        "business-rule",
        ["Bundle.entry[0].resource.member[0].entity.reference"],
    )
    assert [one["response"]["status"] for one in others] == ["201", "201"]


@pytest.mark.parametrize(
    "type", ["collection", "searchset", "document", "history", "message", "batch-response", None]
)
async def test_other_bundles_are_stored_not_processed(server: Facade, type: str | None) -> None:
    bundle = {"resourceType": "Bundle", **({"type": type} if type else {})}
    answer = await server.ehr("POST", "", bundle)
    assert (answer.status_code, expressions(answer)) == (400, ["Bundle.type"])
    if type == "collection":
        assert (await server.ehr("POST", "Bundle", bundle)).status_code == 201
        assert (await server.ehr("POST", "Bundle", {**bundle, "type": "transaction"})).status_code == 201


async def test_bundles_have_a_limit_that_is_set(server: Facade, tmp_path: Any) -> None:
    from tests.facade import facade

    async with facade(tmp_path, limits={"bundle_entries": 2}) as small:
        for kind in ("transaction", "batch"):
            answer = await small.ehr.bundle(kind, *[entry("GET", "Patient")] * 3)
            assert (answer.status_code, expressions(answer)) == (413, ["Bundle.entry"])
            assert (await small.ehr.bundle(kind, *[entry("GET", "Patient")] * 2)).status_code == 200


async def test_conditional_references_are_for_transactions(server: Facade) -> None:
    await server.ehr.put(seven("p"))
    await server.ehr.put(observation("Patient/p", id="o"))
    where = ["Observation.subject.reference"]
    for answer in (
        await server.ehr.post(observation(MRN)),
        await server.ehr.put(observation(MRN, id="o")),
    ):
        assert (answer.status_code, expressions(answer)) == (422, where)
    patch = [{"op": "replace", "path": "/subject", "value": {"reference": MRN}}]
    answer = await server.ehr("PATCH", "Observation/o", patch, media="application/json-patch+json")
    assert (answer.status_code, expressions(answer)) == (422, ["http.body"])
    answer = await server.ehr.batch(entry("POST", "Observation", observation(MRN)))
    response = answer.json()["entry"][0]["response"]
    assert response["status"] == "422"
    assert response["outcome"]["issue"][0]["expression"] == ["Bundle.entry[0].resource.subject.reference"]
    kept = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [entry("POST", "Observation", observation(MRN))],
    }
    assert (await server.ehr.post(kept)).status_code == 201
    asked = {"resourceType": "Observation", "status": "final", "code": {"text": "Really?"}}
    assert (await server.ehr.post(asked)).status_code == 201


@pytest.mark.parametrize(
    "wrong",
    [
        entry("GET", "http://other.example/fhir/Patient/p"),
        entry("PUT", "Patient/p?name=x", patient("p")),
        entry("PUT", "Patient/p/_history/1", patient("p")),
        entry("PUT", "Patient/a_b", patient("a_b")),
        entry("DELETE", "Patient/p?name=x"),
        entry("POST", "Patient?identifier=x", patient()),
        entry("GET", "Patient/p/x/y/z"),
    ],
)
async def test_urls_that_mean_nothing(server: Facade, wrong: JsonObject) -> None:
    answer = await server.ehr.transaction(entry("POST", "Patient", patient()), wrong)
    assert (answer.status_code, expressions(answer)) in (
        (400, ["Bundle.entry[1].request.url"]),
        (404, ["Bundle.entry[1].request.url"]),
        (400, ["Bundle.entry[1].resource.id"]),
    )
    assert await server.ehr.ids("Patient") == []
