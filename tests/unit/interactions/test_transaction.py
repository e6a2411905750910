"""transaction. https://hl7.org/fhir/R4/http.html#transaction"""

from __future__ import annotations

import base64
from typing import Any

import pytest

from fhirserver.kernel.json import JsonObject, dumps, loads
from fhirserver.model.validation import validate
from tests.facade import BASE, Facade, entry, expressions, issues, patient, said

ONE, TWO = "urn:uuid:5f0c0c5e-0001-4000-8000-000000000001", "urn:uuid:5f0c0c5e-0002-4000-8000-000000000002"


def observation(subject: str, **members: Any) -> JsonObject:
    base = {"resourceType": "Observation", "status": "final", "code": {"text": "pulse"}}
    return {**base, "subject": {"reference": subject}, **members}


async def test_references_follow_the_entries_wherever_they_are(server: Facade) -> None:
    div = f'<div xmlns="http://www.w3.org/1999/xhtml"><a href="{ONE}">her</a><p>{ONE}</p></div>'
    document = {
        "resourceType": "DocumentReference",
        "status": "current",
        "text": {"status": "generated", "div": div},
        "identifier": [{"system": "urn:ietf:rfc:3986", "value": ONE}],
        "subject": {"reference": ONE},
        "content": [{"attachment": {"url": TWO}}],
        "extension": [
            {"url": "urn:x", "valueReference": {"reference": ONE}},
            {"url": "urn:y", "valueUri": TWO},
        ],
    }
    binary = {"resourceType": "Binary", "contentType": "text/plain", "data": "aGk="}
    answer = await server.ehr.transaction(
        entry("POST", "DocumentReference", document),
        entry("POST", "Patient", patient(), full_url=ONE),
        entry("POST", "Binary", binary, full_url=TWO),
    )
    assert answer.status_code == 200, answer.text
    made, person, attached = (one["resource"] for one in answer.json()["entry"])
    place, data = f"Patient/{person['id']}", f"Binary/{attached['id']}"
    assert made["subject"]["reference"] == place
    assert made["content"][0]["attachment"]["url"] == data
    assert made["extension"] == [
        {"url": "urn:x", "valueReference": {"reference": place}},
        {"url": "urn:y", "valueUri": data},
    ]
    assert f'href="{place}"' in made["text"]["div"]
    assert f"<p>{ONE}</p>" in made["text"]["div"]
    assert made["identifier"][0]["value"] == ONE


async def test_relative_references_find_a_neighbour_by_its_full_url(server: Facade) -> None:
    answer = await server.ehr.transaction(
        entry("POST", "Patient", patient(), full_url="http://elsewhere.example/fhir/Patient/23"),
        entry("POST", "Observation", observation("Patient/23")),
        entry("POST", "Observation", observation("http://elsewhere.example/fhir/Patient/23")),
    )
    person, *observations = (one["resource"] for one in answer.json()["entry"])
    assert {one["subject"]["reference"] for one in observations} == {f"Patient/{person['id']}"}


async def test_responses_say_what_was_done_in_the_order_of_the_entries(server: Facade) -> None:
    await server.ehr.put(patient("old"))
    await server.ehr.put(patient("gone"))
    answer = await server.ehr.transaction(
        entry("GET", "Patient?_id=new"),
        entry("PUT", "Patient/old", patient("old", gender="female"), ifMatch='W/"1"'),
        entry("DELETE", "Patient/gone"),
        entry("POST", "Patient", patient()),
        entry("PUT", f"{BASE}/Patient/new", patient("new")),
        entry("GET", "Patient/old"),
    )
    assert answer.status_code == 200, answer.text
    bundle = loads(answer.content)
    assert bundle["type"] == "transaction-response"
    assert [one["response"]["status"] for one in bundle["entry"]] == [
        "200",
        "200",
        "204",
        "201",
        "201",
        "200",
    ]
    assert [issue for issue in validate(bundle) if issue.severity == "error"] == []
    search, updated, deleted, created, put, got = bundle["entry"]
    assert search["resource"]["entry"][0]["resource"]["id"] == "new"
    assert (updated["response"]["etag"], got["resource"]["gender"]) == ('W/"2"', "female")
    assert "resource" not in deleted
    assert created["response"]["location"] == f"{created['fullUrl']}/_history/1"
    assert put["response"]["lastModified"] == put["resource"]["meta"]["lastUpdated"]


@pytest.mark.parametrize(
    ("bad", "status", "where"),
    [
        (entry("POST", "Patient", patient(gender="wrong")), 422, "Bundle.entry[1].resource.gender"),
        (
            entry("POST", "Patient", patient(contact=[{"name": 5}])),
            422,
            "Bundle.entry[1].resource.contact[0].name",
        ),
        (entry("PUT", "Patient/a", patient("b")), 400, "Bundle.entry[1].resource.id"),
        (entry("PUT", "Patient/a"), 400, "Bundle.entry[1].resource"),
        (entry("POST", "Patient", {"resourceType": "Group"}), 400, "Bundle.entry[1].resource.resourceType"),
        (entry("POST", "Patent", patient()), 404, "Bundle.entry[1].request.url"),
        (entry("PUT", "Patient/a", patient("a"), ifMatch='W/"7"'), 412, "Bundle.entry[1].request.ifMatch"),
        (entry("PUT", "Patient/a", patient("a"), ifMatch="x"), 400, "Bundle.entry[1].request.ifMatch"),
        (
            entry("PUT", "Patient/p", patient("p"), ifNoneMatch="*"),
            412,
            "Bundle.entry[1].request.ifNoneMatch",
        ),
        (
            entry("POST", "Patient", patient(), ifNoneExist="nmae=x"),
            400,
            "Bundle.entry[1].request.ifNoneExist",
        ),
        (entry("DELETE", "Patient?nmae=x"), 400, "Bundle.entry[1].request.url"),
        (entry("DELETE", "Patient"), 412, "Bundle.entry[1].request.url"),
        (entry("PATCH", "Patient/p", patient()), 400, "Bundle.entry[1].resource"),
        (entry("JUMP", "Patient/p"), 400, "Bundle.entry[1].request.method"),
        (entry("GET", ""), 400, "Bundle.entry[1].request.url"),
        ({"resource": patient()}, 400, "Bundle.entry[1].request"),
        ({"request": 5}, 400, "Bundle.entry[1].request"),
        (5, 400, "Bundle.entry[1]"),
        ({**entry("POST", "Patient"), "resource": 5}, 400, "Bundle.entry[1].resource"),
        (entry("POST", "Patient", patient(), full_url=5), 400, "Bundle.entry[1].fullUrl"),
        (entry("POST", "Patient", patient(), ifMatch=[5]), 400, "Bundle.entry[1].request.ifMatch"),
        (
            entry("POST", "Observation", observation("Patient?identifier=urn:mrn|none")),
            412,
            "Bundle.entry[1].resource.subject.reference",
        ),
    ],
)
async def test_one_bad_entry_and_nothing_is_written(
    server: Facade, bad: Any, status: int, where: str
) -> None:
    await server.ehr.put(patient("p"))
    head = server.store.head
    answer = await server.ehr.transaction(
        entry("POST", "Patient", patient()), bad, entry("PUT", "Patient/q", patient("q"))
    )
    assert answer.status_code == status, answer.text
    assert where in expressions(answer)
    assert server.store.head == head
    assert await server.ehr.ids("Patient") == ["p"]


async def test_the_same_resource_twice_is_refused(server: Facade) -> None:
    mrn = [{"system": "urn:mrn", "value": "7"}]
    await server.ehr.put(patient("p", identifier=mrn))
    where = "Patient?identifier=urn:mrn|7"
    pairs = [
        (entry("PUT", "Patient/p", patient("p")), entry("DELETE", "Patient/p")),
        (
            entry("PUT", "Patient/p", patient("p", gender="male")),
            entry("PUT", where, patient(identifier=mrn)),
        ),
        (entry("PUT", where, patient(identifier=mrn)), entry("PUT", where, patient(identifier=mrn))),
        (
            entry("POST", "Patient", patient(), ifNoneExist="identifier=urn:mrn|8"),
            entry("POST", "Patient", patient(), ifNoneExist="identifier=urn:mrn|8"),
        ),
        (
            entry("POST", "Patient", patient(), full_url=ONE),
            entry("POST", "Patient", patient(), full_url=ONE),
        ),
    ]
    for pair in pairs:
        answer = await server.ehr.transaction(*pair)
        assert answer.status_code == 400, answer.text
        assert issues(answer)[0]["code"] == "duplicate"
    assert (await server.ehr.get("Patient/p")).headers["etag"] == 'W/"1"'


async def test_conditional_references(server: Facade) -> None:
    mrn = [{"system": "urn:mrn", "value": "7"}]
    where = "Patient?identifier=urn:mrn|7"
    assert (await server.ehr.transaction(entry("POST", "Observation", observation(where)))).status_code == 412
    await server.ehr.put(patient("p", identifier=mrn))
    answer = await server.ehr.transaction(entry("POST", "Observation", observation(where)))
    assert answer.json()["entry"][0]["resource"]["subject"]["reference"] == "Patient/p"
    await server.ehr.put(patient("q", identifier=mrn))
    twice = await server.ehr.transaction(entry("POST", "Observation", observation(where)))
    assert twice.status_code == 412
    assert expressions(twice) == ["Bundle.entry[0].resource.subject.reference"]


async def test_conditional_create_takes_the_references_to_what_it_matches(server: Facade) -> None:
    await server.ehr.put(patient("p", identifier=[{"system": "urn:mrn", "value": "7"}]))
    answer = await server.ehr.transaction(
        entry("POST", "Patient", patient(), full_url=ONE, ifNoneExist="identifier=urn:mrn|7"),
        entry("POST", "Observation", observation(ONE)),
    )
    matched, made = answer.json()["entry"]
    assert matched["response"]["status"] == "200"
    assert made["resource"]["subject"]["reference"] == "Patient/p"


async def test_patch_in_a_binary(server: Facade) -> None:
    await server.ehr.put(patient("p"))
    operations = dumps([{"op": "add", "path": "/gender", "value": "female"}])
    binary = {
        "resourceType": "Binary",
        "contentType": "application/json-patch+json",
        "data": base64.b64encode(operations).decode(),
    }
    answer = await server.ehr.transaction(entry("PATCH", "Patient/p", binary))
    assert answer.status_code == 200, answer.text
    assert (await server.ehr.get("Patient/p")).json()["gender"] == "female"
    stale = await server.ehr.transaction(entry("PATCH", "Patient/p", binary, ifMatch='W/"1"'))
    assert stale.status_code == 412


async def test_prefer(server: Facade) -> None:
    minimal = (
        await server.ehr.transaction(entry("POST", "Patient", patient()), prefer="return=minimal")
    ).json()
    assert minimal["entry"][0].keys() == {"fullUrl", "response"}
    outcome = (
        await server.ehr.transaction(entry("POST", "Patient", patient()), prefer="return=OperationOutcome")
    ).json()
    assert outcome["entry"][0]["response"]["outcome"]["issue"][0]["severity"] == "information"


async def test_what_is_held_shows_at_the_entry(server: Facade) -> None:
    await server.ehr.put(patient("p", gender="female"))
    answer = await server.agent.transaction(
        entry("PUT", "Patient/p", patient("p", gender="male")), x_provenance=said(mode="partial")
    )
    outcome = answer.json()["entry"][0]["response"]["outcome"]
    assert outcome["issue"][0]["expression"] == ["Patient.gender"]


async def test_provenance_is_for_every_entry_unless_one_has_its_own(server: Facade) -> None:
    own = [
        {"url": "https://credence.health/fhir/StructureDefinition/x-provenance", "valueString": said("0.2")}
    ]
    answer = await server.agent.transaction(
        entry("PUT", "Patient/a", patient("a")),
        entry("PUT", "Patient/b", patient("b"), extension=own),
        x_provenance=said("0.5"),
    )
    a, b = (
        {e["url"].rpartition("/")[2]: e["valueDecimal"] for e in one["resource"]["meta"]["extension"]}
        for one in answer.json()["entry"]
    )
    assert (a["confidence"], b["confidence"]) == (0.5, 0.2)
    provenances = loads((await server.ehr.get("Provenance?target=Patient/a,Patient/b")).content)
    assert len(provenances["entry"]) == 1
    assert len(provenances["entry"][0]["resource"]["target"]) == 2


@pytest.mark.parametrize("own", ["{", '{"resourceType":"Patient"}', said("0.9")])
async def test_a_bad_provenance_of_an_entry_points_at_the_entry(server: Facade, own: str) -> None:
    extension = [{"url": "https://credence.health/fhir/StructureDefinition/x-provenance", "valueString": own}]
    answer = await server.agent.transaction(entry("PUT", "Patient/b", patient("b"), extension=extension))
    assert answer.status_code in (400, 422)
    assert expressions(answer) == ["Bundle.entry[0].request.extension"]


async def test_more_entries_than_the_limit_are_413(server: Facade) -> None:
    many = [entry("GET", "Patient/p")] * 10_001
    answer = await server.ehr.bundle("batch", *many)
    assert (answer.status_code, expressions(answer)) == (413, ["Bundle.entry"])


async def test_only_bundles_of_these_types(server: Facade) -> None:
    for body in ({"resourceType": "Bundle", "type": "collection"}, {"resourceType": "Bundle"}, patient()):
        answer = await server.ehr("POST", "", body)
        assert (answer.status_code, expressions(answer)) == (400, ["Bundle.type"])
    for wrong in ({"entry": 5}, {"entry": {}}, {"nonsense": 1}, {"timestamp": 5}):
        answer = await server.ehr("POST", "", {"resourceType": "Bundle", "type": "transaction", **wrong})
        assert answer.status_code == 400, wrong
    empty = await server.ehr("POST", "", {"resourceType": "Bundle", "type": "transaction"})
    assert (empty.status_code, empty.json()["type"]) == (200, "transaction-response")


async def test_a_reader_may_post_reads_only(server: Facade) -> None:
    await server.ehr.put(patient("p"))
    assert (await server.reader.transaction(entry("GET", "Patient/p"))).status_code == 200
    refused = await server.reader.transaction(entry("PUT", "Patient/p", patient("p", gender="male")))
    assert refused.status_code == 403


async def test_no_derived_or_own_resource_through_a_bundle(server: Facade) -> None:
    await server.ehr.put(patient("p"))
    (derived,) = await server.ehr.ids("Provenance?target=Patient/p")
    for url in (f"Provenance/{derived}", "CodeSystem/activity"):
        answer = await server.ehr.transaction(entry("DELETE", url))
        assert answer.status_code == 405, answer.text
        in_batch = (await server.ehr.batch(entry("DELETE", url))).json()["entry"][0]["response"]
        assert in_batch["status"] == "405"
