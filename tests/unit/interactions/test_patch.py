"""patch. https://hl7.org/fhir/R4/http.html#patch"""

from __future__ import annotations

import base64
from typing import Any

import pytest

from fhirserver.kernel.json import JsonObject, dumps
from fhirserver.model.xml import write_xml
from tests.facade import BASE, Facade, entry, expressions, patient

PATCH = "application/json-patch+json"
REFERRED = "urn:uuid:5f0c0c5e-0001-4000-8000-000000000001"


def fhirpath(*operations: dict[str, Any]) -> JsonObject:
    """Each operation's parts by name; a value is given with its member: ``value={"valueDate": …}``."""
    return {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "operation", "part": [_part(*pair) for pair in operation.items()]}
            for operation in operations
        ],
    }


def _part(name: str, value: Any) -> JsonObject:
    if isinstance(value, dict):
        return {"name": name, **value}
    return {"name": name, "valueCode" if name == "type" else "valueString": value}


FEMALE = fhirpath({"type": "add", "path": "Patient", "name": "gender", "value": {"valueCode": "female"}})


async def test_json_patch_states_only_what_it_changes(server: Facade) -> None:
    await server.ehr.put(patient("p", gender="male", telecom=[{"system": "phone", "value": "1"}]))
    operations = [
        {"op": "test", "path": "/gender", "value": "male"},
        {"op": "replace", "path": "/gender", "value": "female"},
        {"op": "add", "path": "/telecom/-", "value": {"system": "email", "value": "a@b.example"}},
        {"op": "remove", "path": "/telecom/0"},
        {"op": "copy", "from": "/name/0/family", "path": "/name/0/text"},
        {"op": "move", "from": "/name/0/text", "path": "/name/0/family"},
    ]
    answer = await server.ehr("PATCH", "Patient/p", operations, media=PATCH, if_match='W/"1"')
    changed = answer.json()
    assert (answer.status_code, changed["gender"]) == (200, "female"), answer.text
    assert [one["value"] for one in changed["telecom"]] == ["a@b.example"]
    assert changed["name"] == patient()["name"]
    assert (await server.ehr("PATCH", "Patient/p", [], media=PATCH, if_match='W/"1"')).status_code == 412


async def test_json_patch_finds_what_the_operation_before_left(server: Facade) -> None:
    """RFC 6902: an emptied array is still there for the next operation; afterwards it is not FHIR's."""
    await server.ehr.put(patient("p", telecom=[{"system": "phone", "value": "1"}]))
    swap = [
        {"op": "remove", "path": "/telecom/0"},
        {"op": "add", "path": "/telecom/-", "value": {"system": "phone", "value": "2"}},
    ]
    changed = (await server.ehr("PATCH", "Patient/p", swap, media=PATCH)).json()
    assert [one["value"] for one in changed["telecom"]] == ["2"]
    last = [{"op": "remove", "path": "/telecom/0"}]
    assert "telecom" not in (await server.ehr("PATCH", "Patient/p", last, media=PATCH)).json()


@pytest.mark.parametrize(
    ("operations", "status"),
    [
        ({}, 400),
        ([{"op": "jump", "path": "/x"}], 400),
        ([{"op": "add", "path": "/gender"}], 400),
        ([{"op": "move", "path": "/gender"}], 400),
        ([{"op": "remove", "path": "/birthDate"}], 422),
        ([{"op": "add", "path": "/name/5", "value": {}}], 422),
        ([{"op": "add", "path": "gender", "value": "male"}], 400),
        ([{"op": "test", "path": "/gender", "value": "male"}], 422),
        ([{"op": "replace", "path": "/gender", "value": "no such gender"}], 422),
        ([{"op": "replace", "path": "/id", "value": "q"}], 422),
        ([{"op": "replace", "path": "", "value": []}], 422),
        ([{"op": "move", "from": "/name", "path": "/name/0/given"}], 422),
        ([{"op": "add", "path": "/gender/0", "value": "male"}], 422),
        ([{"op": "remove", "path": ""}], 422),
    ],
)
async def test_json_patch_refuses(server: Facade, operations: Any, status: int) -> None:
    await server.ehr.put(patient("p", gender="female"))
    answer = await server.ehr("PATCH", "Patient/p", operations, media=PATCH)
    assert answer.status_code == status, answer.text
    assert expressions(answer)
    assert (await server.ehr.get("Patient/p")).headers["etag"] == 'W/"1"'


async def test_patch_of_what_is_not_there(server: Facade) -> None:
    body = [{"op": "add", "path": "/gender", "value": "male"}]
    assert (await server.ehr("PATCH", "Patient/never", body, media=PATCH)).status_code == 404
    await server.ehr.put(patient("p"))
    await server.ehr("DELETE", "Patient/p")
    assert (await server.ehr("PATCH", "Patient/p", body, media=PATCH)).status_code == 410
    answer = await server.ehr("PATCH", "Patient/p", body, media="application/merge-patch+json")
    assert answer.status_code == 415
    broken = await server.ehr("PATCH", "Patient/p", b"[", media=PATCH)
    assert broken.status_code == 400


@pytest.mark.parametrize(
    "media", ["application/fhir+json", "application/json", "application/fhir+json; charset=utf-8"]
)
async def test_fhirpath_patch(server: Facade, media: str) -> None:
    await server.ehr.put(patient("p"))
    answer = await server.ehr("PATCH", "Patient/p", FEMALE, media=media, if_match='W/"1"')
    assert (answer.status_code, answer.json()["gender"]) == (200, "female"), answer.text
    assert answer.headers["etag"] == 'W/"2"'
    assert answer.headers["content-location"] == f"{BASE}/Patient/p/_history/2"
    assert (await server.ehr("PATCH", "Patient/p", FEMALE, if_match='W/"1"')).status_code == 412


async def test_fhirpath_patch_in_xml(server: Facade) -> None:
    await server.ehr.put(patient("p"))
    answer = await server.ehr("PATCH", "Patient/p", write_xml(FEMALE), media="application/fhir+xml")
    assert (answer.status_code, answer.json()["gender"]) == (200, "female"), answer.text
    broken = await server.ehr("PATCH", "Patient/p", b"<Parameters", media="application/fhir+xml")
    assert broken.status_code == 400


async def test_fhirpath_patch_refuses_and_says_where(server: Facade) -> None:
    await server.ehr.put(patient("p", gender="male"))
    for body, status, where in (
        (FEMALE, 422, "Parameters.parameter[0].part[2]"),
        (fhirpath({"type": "delete", "path": "Patient.name["}), 400, "Parameters.parameter[0].part[1]"),
        (fhirpath({"type": "delete"}), 400, "Parameters.parameter[0]"),
        ({"resourceType": "Parameters", "parametre": []}, 400, "Parameters.parametre"),
        (patient("p"), 400, "resourceType"),
        ([], 400, "resourceType"),
        (
            fhirpath({"type": "replace", "path": "Patient.gender", "value": {"valueCode": "no such"}}),
            422,
            "Patient.gender",
        ),
        (
            fhirpath({"type": "replace", "path": "Patient.id", "value": {"valueId": "q"}}),
            422,
            "Patient",
        ),
    ):
        answer = await server.ehr("PATCH", "Patient/p", body)
        assert (answer.status_code, expressions(answer)) == (status, [where]), answer.text
    assert (await server.ehr.get("Patient/p")).headers["etag"] == 'W/"1"'


async def test_other_patches_are_415_and_told_what_is_taken(server: Facade) -> None:
    await server.ehr.put(patient("p"))
    for media in ("application/merge-patch+json", "application/xml-patch+xml", "text/plain"):
        answer = await server.ehr("PATCH", "Patient/p", b"{}", media=media)
        assert answer.status_code == 415, media
        assert PATCH in answer.headers["accept-patch"]
        assert expressions(answer) == ["http.Content-Type"]


async def test_a_patch_that_changes_nothing_makes_no_version(server: Facade) -> None:
    await server.ehr.put(patient("p"))
    answer = await server.ehr("PATCH", "Patient/p", {"resourceType": "Parameters"})
    assert (answer.status_code, answer.headers["etag"]) == (200, 'W/"1"')


async def test_a_patch_states_references_as_they_are_searched(server: Facade) -> None:
    await server.ehr.put(patient("p"))
    patch = fhirpath(
        {
            "type": "add",
            "path": "Patient",
            "name": "managingOrganization",
            "value": {"valueReference": {"reference": f"{BASE}/Organization/o"}},
        }
    )
    changed = (await server.ehr("PATCH", "Patient/p", patch)).json()
    assert changed["managingOrganization"]["reference"] == "Organization/o"
    patch = fhirpath(
        {
            "type": "replace",
            "path": "Patient.managingOrganization.reference",
            "value": {"valueString": f"{BASE}/Organization/q"},
        }
    )
    changed = (await server.ehr("PATCH", "Patient/p", patch)).json()
    assert changed["managingOrganization"]["reference"] == "Organization/q"
    operations = [
        {"op": "replace", "path": "/managingOrganization/reference", "value": f"{BASE}/Organization/r"}
    ]
    changed = (await server.ehr("PATCH", "Patient/p", operations, media=PATCH)).json()
    assert changed["managingOrganization"]["reference"] == "Organization/r"


def binary(media: str, body: bytes) -> JsonObject:
    return {"resourceType": "Binary", "contentType": media, "data": base64.b64encode(body).decode()}


@pytest.mark.parametrize("kind", ["transaction", "batch"])
@pytest.mark.parametrize(
    "carried",
    [
        FEMALE,
        binary("application/fhir+json", dumps(FEMALE)),
        binary("application/fhir+xml", write_xml(FEMALE)),
        binary(PATCH, dumps([{"op": "add", "path": "/gender", "value": "female"}])),
    ],
    ids=["Parameters", "JSON in a Binary", "XML in a Binary", "JSON Patch in a Binary"],
)
async def test_patches_in_bundles(server: Facade, kind: str, carried: JsonObject) -> None:
    await server.ehr.put(patient("p"))
    answer = await server.ehr.bundle(kind, entry("PATCH", "Patient/p", carried, ifMatch='W/"1"'))
    assert answer.status_code == 200, answer.text
    (one,) = answer.json()["entry"]
    assert (one["response"]["status"], one["response"]["etag"]) == ("200", 'W/"2"')
    assert (await server.ehr.get("Patient/p")).json()["gender"] == "female"


@pytest.mark.parametrize(
    ("carried", "status", "where"),
    [
        (fhirpath({"type": "delete"}), 400, "resource.parameter[0]"),
        (fhirpath({"type": "delete", "path": "Patient.nope"}), 422, "resource.parameter[0].part[1]"),
        (patient(), 400, "resource"),
        (binary(PATCH, b"["), 400, "resource"),
        (binary(PATCH, b"{}"), 400, "resource"),
        (binary("text/plain", b"{}"), 415, "resource.contentType"),
        (binary("application/fhir+json", dumps(fhirpath({"type": "delete"}))), 400, "resource"),
        (binary(PATCH, dumps([{"op": "add", "path": "/gender", "value": "no"}])), 422, "resource"),
        ({"resourceType": "Binary", "contentType": PATCH, "data": "="}, 400, "resource"),
        (None, 400, "resource"),
    ],
)
async def test_patches_in_bundles_refused(
    server: Facade, carried: JsonObject | None, status: int, where: str
) -> None:
    await server.ehr.put(patient("p"))
    answer = await server.ehr.transaction(entry("PATCH", "Patient/p", carried))
    assert answer.status_code == status, answer.text
    assert expressions(answer) == [f"Bundle.entry[0].{where}"]
    answer = await server.ehr.batch(entry("PATCH", "Patient/p", carried))
    response = answer.json()["entry"][0]["response"]
    assert response["status"].startswith(str(status)), answer.text
    assert response["outcome"]["issue"][0]["expression"] == [f"Bundle.entry[0].{where}"]


async def test_links_in_a_fhirpath_patch_follow_the_entries(server: Facade) -> None:
    mrn = [{"system": "urn:mrn", "value": "7"}]
    await server.ehr.put(patient("p", identifier=mrn))
    await server.ehr.put({"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "x"}})
    patch = fhirpath(
        {
            "type": "add",
            "path": "Observation",
            "name": "performer",
            "value": {"valueReference": {"reference": REFERRED}},
        },
        {
            "type": "add",
            "path": "Observation",
            "name": "subject",
            "value": {"valueReference": {"reference": "Patient?identifier=urn:mrn|7"}},
        },
    )
    doctor = {"resourceType": "Practitioner"}
    answer = await server.ehr.transaction(
        entry("PATCH", "Observation/o", patch), entry("POST", "Practitioner", doctor, full_url=REFERRED)
    )
    assert answer.status_code == 200, answer.text
    changed, made = (one["resource"] for one in answer.json()["entry"])
    assert changed["performer"] == [{"reference": f"Practitioner/{made['id']}"}]
    assert changed["subject"] == {"reference": "Patient/p"}


def numbered(digits: str) -> list[JsonObject]:
    return [{"system": "urn:n", "value": digit} for digit in digits]


@pytest.mark.parametrize(
    ("operation", "order"),
    [
        ({"op": "move", "from": "/identifier/2", "path": "/identifier/0"}, "312"),
        ({"op": "add", "path": "/identifier/0", "value": numbered("x")[0]}, "x123"),
        ({"op": "add", "path": "/identifier/1", "value": numbered("x")[0]}, "1x23"),
        ({"op": "add", "path": "/identifier/-", "value": numbered("x")[0]}, "123x"),
        ({"op": "replace", "path": "/identifier/0/value", "value": "x"}, "x23"),
        ({"op": "replace", "path": "/identifier", "value": numbered("21")}, "21"),
        ({"op": "remove", "path": "/identifier/1"}, "13"),
    ],
)
async def test_items_stand_where_the_patch_puts_them(server: Facade, operation: Any, order: str) -> None:
    await server.ehr.put(patient("p", identifier=numbered("123"), gender="male"))
    answer = await server.ehr("PATCH", "Patient/p", [operation], media=PATCH)
    assert [one["value"] for one in answer.json()["identifier"]] == [*order], answer.text
    assert (answer.headers["etag"], answer.json()["gender"]) == ('W/"2"', "male")
    assert "x-held" not in answer.headers
    assert (await server.ehr.get("Patient/p")).json()["identifier"] == numbered(order)


async def test_an_order_that_others_hold_is_said_to_be_held(server: Facade) -> None:
    await server.ehr.put(patient("p", identifier=numbered("12")))
    move = [{"op": "move", "from": "/identifier/1", "path": "/identifier/0"}]
    answer = await server.lab("PATCH", "Patient/p", move, media=PATCH)
    assert (answer.status_code, answer.headers["x-held"]) == (200, "Patient.identifier")
    assert [one["value"] for one in answer.json()["identifier"]] == ["1", "2"]
    more = [*move, {"op": "add", "path": "/gender", "value": "male"}]
    answer = await server.lab("PATCH", "Patient/p", more, media=PATCH)
    assert (answer.json()["gender"], answer.headers["x-held"]) == ("male", "Patient.identifier")


async def test_a_patch_sees_what_its_client_reads(server: Facade) -> None:
    tag = {"system": "urn:t", "code": "x"}
    await server.ehr.put(patient("p", meta={"tag": [tag]}))
    meta = (await server.ehr.get("Patient/p")).json()["meta"]
    operations = [
        {"op": "test", "path": "/meta/versionId", "value": "1"},
        {"op": "test", "path": "/meta", "value": meta},
        {"op": "replace", "path": "/meta/tag/0/code", "value": "y"},
    ]
    answer = await server.ehr("PATCH", "Patient/p", operations, media=PATCH)
    assert answer.status_code == 200, answer.text
    changed = answer.json()["meta"]
    assert changed["tag"] == [{**tag, "code": "y"}, *meta["tag"][1:]]
    assert (changed["versionId"], changed["extension"]) == ("2", meta["extension"])
    stale = await server.ehr("PATCH", "Patient/p", operations, media=PATCH)
    assert (stale.status_code, expressions(stale)) == (422, ["http.body[0]"])
    marks = [{"op": "replace", "path": "/meta/versionId", "value": "7"}]
    assert (await server.ehr("PATCH", "Patient/p", marks, media=PATCH)).headers["etag"] == 'W/"2"'


async def test_a_reference_may_mean_what_a_conditional_patch_changes(server: Facade) -> None:
    await server.ehr.put(patient("p"))
    note: JsonObject = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}
    note["subject"] = {"reference": REFERRED}
    note["extension"] = [{"url": "urn:x", "valueUri": REFERRED}]
    answer = await server.ehr.transaction(
        entry("PATCH", "Patient?_id=p", FEMALE, full_url=REFERRED), entry("POST", "Observation", note)
    )
    assert answer.status_code == 200, answer.text
    made = answer.json()["entry"][1]["resource"]
    assert made["subject"] == {"reference": "Patient/p"}
    assert made["extension"] == note["extension"]
