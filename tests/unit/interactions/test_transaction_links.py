"""What a transaction replaces when its entries get their places. https://hl7.org/fhir/R4/http.html#trules"""

from __future__ import annotations

import base64
from typing import Any

from fhirserver.kernel.json import JsonObject, dumps
from tests.facade import Facade, entry, expressions, issues, patient

PATIENT = "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a"
NOWHERE, NOTHING = "urn:uuid:61ebe359-0000-4613-8bf2-c5e300945f0a", "urn:oid:1.2.3.4"


def note(**members: Any) -> JsonObject:
    content = [{"attachment": {"contentType": "text/plain", "url": PATIENT}}]
    return {"resourceType": "DocumentReference", "status": "current", "content": content, **members}


async def stored(server: Facade, *entries: JsonObject) -> list[JsonObject]:
    answer = await server.ehr.transaction(*entries)
    assert answer.status_code == 200, answer.text
    return [one["resource"] for one in answer.json()["entry"]]


async def test_references_urls_and_narrative_links_are_replaced_and_identifiers_are_not(
    server: Facade,
) -> None:
    div = f'<div xmlns="http://www.w3.org/1999/xhtml"><a href="{PATIENT}">her</a> {PATIENT}</div>'
    document = note(
        text={"status": "generated", "div": div},
        identifier=[{"system": "urn:ietf:rfc:3986", "value": PATIENT}],
        subject={"reference": PATIENT},
        description=PATIENT,
    )
    made, written = await stored(
        server,
        entry("POST", "Patient", patient(), full_url=PATIENT),
        entry("POST", "DocumentReference", document),
    )
    place = f"Patient/{made['id']}"
    assert written["subject"]["reference"] == place
    assert written["content"][0]["attachment"]["url"] == place
    assert f'<a href="{place}">her</a> {PATIENT}' in written["text"]["div"]
    assert written["identifier"][0]["value"] == written["description"] == PATIENT


async def test_a_conditional_reference_is_found_in_extensions_and_contained_resources(server: Facade) -> None:
    await server.ehr.put(patient("eve", identifier=[{"system": "http://x.org/mrn", "value": "7"}]))
    condition = {"reference": "Patient?identifier=http://x.org/mrn|7"}
    contained = {"resourceType": "RelatedPerson", "id": "r", "patient": condition}
    document = note(
        extension=[{"url": "http://x.org/e", "valueReference": condition}],
        contained=[contained],
        author=[{"reference": "#r"}],
    )
    (written,) = await stored(server, entry("POST", "DocumentReference", document))
    assert written["extension"][0]["valueReference"]["reference"] == "Patient/eve"
    assert written["contained"][0]["patient"]["reference"] == "Patient/eve"
    assert written["author"][0]["reference"] == "#r"


async def test_a_neighbour_may_be_called_by_type_and_id(server: Facade) -> None:
    made, written = await stored(
        server,
        entry("POST", "Patient", patient("old"), full_url="http://other.org/fhir/Patient/old"),
        entry(
            "POST", "DocumentReference", note(subject={"reference": "Patient/old"}, description="Patient/old")
        ),
    )
    assert written["subject"]["reference"] == f"Patient/{made['id']}" != "Patient/old"
    assert written["description"] == "Patient/old"


async def test_a_patch_names_the_new_place_as_text_and_in_an_object(server: Facade) -> None:
    await server.ehr.put(note(id="d"))
    patch = [
        {"op": "add", "path": "/subject", "value": {"reference": PATIENT}},
        {"op": "add", "path": "/author", "value": [{"reference": "Patient/x"}]},
        {"op": "replace", "path": "/author/0/reference", "value": PATIENT},
        {"op": "add", "path": "/description", "value": PATIENT},
    ]
    data = base64.b64encode(dumps(patch)).decode()
    binary = {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": data}
    made, written = await stored(
        server,
        entry("POST", "Patient", patient(), full_url=PATIENT),
        entry("PATCH", "DocumentReference/d", binary),
    )
    place = f"Patient/{made['id']}"
    assert written["subject"]["reference"] == written["author"][0]["reference"] == place
    assert written["description"] == PATIENT


async def test_a_reference_to_a_full_url_that_no_entry_has_is_refused_with_its_place(server: Facade) -> None:
    group = {
        "resourceType": "Group",
        "type": "person",
        "actual": True,
        "managingEntity": {"reference": NOTHING},
    }
    group["extension"] = [{"url": "http://x.org/e", "valueReference": {"reference": NOWHERE}}]
    answer = await server.ehr.transaction(
        entry("POST", "Patient", patient(), full_url=PATIENT),
        entry("POST", "DocumentReference", note(author=[{"reference": PATIENT}, {"reference": NOWHERE}])),
        entry("PUT", "Group/g", {**group, "id": "g"}),
    )
    assert answer.status_code == 400, answer.text
    assert {issue["code"] for issue in issues(answer)} == {"not-found"}
    assert expressions(answer) == [
        "Bundle.entry[1].resource.author[1].reference",
        "Bundle.entry[2].resource.managingEntity.reference",
        "Bundle.entry[2].resource.extension[0].valueReference.reference",
    ]
    assert NOWHERE not in answer.text
    assert await server.ehr.ids("Patient") == []


async def test_what_is_deleted_or_read_in_the_transaction_is_no_place_to_refer_to(server: Facade) -> None:
    await server.ehr.put(patient("old"))
    for method in ("DELETE", "GET"):
        answer = await server.ehr.transaction(
            entry(method, "Patient/old", full_url=PATIENT),
            entry(
                "POST",
                "DocumentReference",
                note(content=[{"attachment": {"title": "x"}}], subject={"reference": PATIENT}),
            ),
        )
        assert answer.status_code == 400, answer.text
        assert expressions(answer) == ["Bundle.entry[1].resource.subject.reference"]


async def test_a_patch_may_not_refer_to_what_no_entry_has(server: Facade) -> None:
    await server.ehr.put(note(id="d"))
    patch = [{"op": "add", "path": "/subject", "value": {"reference": NOWHERE}}]
    data = base64.b64encode(dumps(patch)).decode()
    binary = {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": data}
    answer = await server.ehr.transaction(entry("PATCH", "DocumentReference/d", binary))
    assert answer.status_code == 400, answer.text
    assert expressions(answer) == ["Bundle.entry[0].resource"]


async def test_urns_that_are_no_references_of_the_resource_itself_stay(server: Facade) -> None:
    inside = {"resourceType": "Bundle", "id": "b", "type": "collection"}
    inside["entry"] = [{"fullUrl": PATIENT, "resource": note(id="x", subject={"reference": NOWHERE})}]
    contained = {"resourceType": "RelatedPerson", "id": "r", "patient": {"reference": NOWHERE}}
    document = note(
        contained=[contained],
        identifier=[{"system": "urn:ietf:rfc:3986", "value": NOWHERE}, {"system": NOTHING, "value": "1"}],
        masterIdentifier={"value": NOTHING},
        subject={"identifier": {"system": NOTHING, "value": NOWHERE}},
        author=[{"reference": "#r"}, {"reference": "urn:example:someone"}],
        extension=[{"url": "http://x.org/e", "valueUri": NOWHERE}, {"url": NOTHING, "valueBoolean": True}],
    )
    stored_bundle, written = await stored(
        server, entry("POST", "Bundle", inside), entry("POST", "DocumentReference", document)
    )
    assert stored_bundle["entry"] == inside["entry"]
    assert {name: written[name] for name in document} == document
