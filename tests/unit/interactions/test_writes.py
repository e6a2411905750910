"""create, update, patch, delete, their conditional forms. https://hl7.org/fhir/R4/http.html"""

from __future__ import annotations

from typing import Any

import pytest

from fhirserver.kernel.json import dumps
from tests.facade import BASE, Facade, expressions, issues, patient

PATCH = "application/json-patch+json"
MRN = [{"system": "urn:mrn", "value": "7"}]


async def test_create_ignores_id_and_the_servers_meta(server: Facade) -> None:
    meta = {
        "versionId": "9",
        "lastUpdated": "2001-01-01T00:00:00Z",
        "tag": [{"system": "urn:t", "code": "x"}],
    }
    answer = await server.ehr.post(patient("mine", meta=meta))
    made = answer.json()
    assert answer.status_code == 201
    assert made["id"] != "mine"
    assert made["meta"]["versionId"] == "1"
    assert not made["meta"]["lastUpdated"].startswith("2001")
    assert {"system": "urn:t", "code": "x"} in made["meta"]["tag"]
    assert answer.headers["location"] == f"{BASE}/Patient/{made['id']}/_history/1"
    assert answer.headers["etag"] == 'W/"1"'
    assert "last-modified" in answer.headers


async def test_conditional_create(server: Facade) -> None:
    first = await server.ehr.post(patient(identifier=MRN), if_none_exist="identifier=urn:mrn|7")
    again = await server.ehr.post(patient(identifier=MRN), if_none_exist="identifier=urn:mrn|7")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.headers["location"] == first.headers["location"]
    assert again.json()["id"] == first.json()["id"]
    await server.ehr.post(patient(identifier=MRN))
    third = await server.ehr.post(patient(identifier=MRN), if_none_exist="identifier=urn:mrn|7")
    assert third.status_code == 412
    assert issues(third)[0]["code"] == "multiple-matches"


@pytest.mark.parametrize(
    ("criteria", "status"), [("", 201), ("_count=1", 412), ("identifer=x", 400), ("gender=", 400)]
)
async def test_a_condition_needs_criteria_it_knows(server: Facade, criteria: str, status: int) -> None:
    answer = await server.ehr.post(patient(), if_none_exist=criteria)
    assert answer.status_code == status, answer.text


async def test_update_creates_under_the_clients_id(server: Facade) -> None:
    made = await server.ehr.put(patient("p"))
    changed = await server.ehr.put(patient("p", gender="female"))
    same = await server.ehr.put(patient("p", gender="female"))
    assert (made.status_code, changed.status_code, same.status_code) == (201, 200, 200)
    assert made.headers["location"].endswith("/Patient/p/_history/1")
    assert [answer.headers["etag"] for answer in (made, changed, same)] == ['W/"1"', 'W/"2"', 'W/"2"']


@pytest.mark.parametrize(
    ("path", "body", "status", "where"),
    [
        ("Patient/p", patient("q"), 400, "Patient.id"),
        ("Patient/p", patient(), 400, "Patient.id"),
        ("Patient/p", {"resourceType": "Group", "id": "p"}, 400, "resourceType"),
        ("Patient/p", {"id": "p"}, 400, "resourceType"),
        ("Patient/p", patient("p", gender="wrong"), 422, "Patient.gender"),
        ("Patient/p", patient("p", nmae=[]), 422, "Patient.nmae"),
        ("Patient/p", patient("p", birthDate="1980-02-30"), 422, "Patient.birthDate"),
    ],
)
async def test_update_refuses_and_says_where(
    server: Facade, path: str, body: Any, status: int, where: str
) -> None:
    answer = await server.ehr("PUT", path, body)
    assert answer.status_code == status, answer.text
    assert where in expressions(answer)
    assert (await server.ehr.get("Patient/p")).status_code == 404


async def test_if_match(server: Facade) -> None:
    await server.ehr.put(patient("p"))
    await server.ehr.put(patient("p", gender="male"))
    stale = await server.ehr.put(patient("p", gender="female"), if_match='W/"1"')
    assert stale.status_code == 412
    assert (await server.ehr.put(patient("p", gender="female"), if_match='W/"2"')).status_code == 200
    assert (await server.ehr.put(patient("new"), if_match='W/"1"')).status_code == 412
    for wrong in ("x", "*", 'W/"-1"', 'W/"²"', 'W/"' + "9" * 40 + '"'):
        answer = await server.ehr("PUT", "Patient/p", patient("p"), **{"if-match": wrong.encode("latin-1")})  # type: ignore[arg-type]
        assert answer.status_code == 400, wrong
        assert expressions(answer) == ["http.If-Match"]


async def test_if_none_match_star(server: Facade) -> None:
    assert (await server.ehr.put(patient("p"), if_none_match="*")).status_code == 201
    assert (await server.ehr.put(patient("p"), if_none_match="*")).status_code == 412


async def test_conditional_update(server: Facade) -> None:
    path = "Patient?identifier=urn:mrn|7"
    none = await server.ehr("PUT", path, patient(identifier=MRN))
    one = await server.ehr("PUT", path, patient(identifier=MRN, gender="female"))
    id = none.json()["id"]
    assert (none.status_code, one.status_code, one.json()["id"]) == (201, 200, id)
    other = await server.ehr("PUT", path, patient("other", identifier=MRN))
    assert other.status_code == 400
    await server.ehr.post(patient(identifier=MRN))
    assert (await server.ehr("PUT", path, patient(identifier=MRN))).status_code == 412
    assert (await server.ehr("PUT", "Patient", patient())).status_code == 412


async def test_prefer(server: Facade) -> None:
    minimal = await server.ehr.put(patient("a"), prefer="return=minimal")
    assert (minimal.status_code, minimal.content) == (201, b"")
    assert minimal.headers["etag"] == 'W/"1"'
    whole = await server.ehr.put(patient("b"), prefer="respond-async, return=representation; foo=bar")
    assert whole.json()["id"] == "b"
    outcome = await server.ehr.put(patient("c"), prefer="return=OperationOutcome")
    assert issues(outcome)[0]["severity"] == "information"


async def test_delete_and_again_and_anew(server: Facade) -> None:
    await server.ehr.put(patient("p"))
    for _ in range(2):
        answer = await server.ehr("DELETE", "Patient/p")
        assert (answer.status_code, answer.content) == (204, b"")
    assert (await server.ehr("DELETE", "Patient/never")).status_code == 204
    assert (await server.ehr.get("Patient/p")).headers["etag"] == 'W/"2"'
    assert await server.ehr.ids("Patient") == []
    anew = await server.ehr.put(patient("p"))
    assert (anew.status_code, anew.headers["etag"]) == (201, 'W/"3"')
    assert (await server.ehr("DELETE", "Patient/p", if_match='W/"1"')).status_code == 412


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


async def test_decimals_keep_their_text(server: Facade) -> None:
    body = dumps({"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "x"}})
    body = body[:-1] + b',"valueQuantity":{"value":1.00}}'
    await server.ehr("PUT", "Observation/o", body)
    assert b'"value":1.00' in (await server.ehr.get("Observation/o")).content


async def test_what_is_held_shows_in_header_and_outcome(server: Facade) -> None:
    await server.ehr.put(patient("p", gender="female", birthDate="1980-01-01"))
    answer = await server.agent.put(patient("p", gender="male"), prefer="return=OperationOutcome")
    assert answer.status_code == 200
    assert answer.headers["x-held"] == "Patient.birthDate,Patient.gender"
    warned = {
        path for issue in issues(answer) if issue["severity"] == "warning" for path in issue["expression"]
    }
    assert warned == {"Patient.birthDate", "Patient.gender"}
    assert (await server.ehr.get("Patient/p")).json()["gender"] == "female"
    deleted = await server.agent("DELETE", "Patient/p")
    assert (deleted.status_code, deleted.headers["x-held"]) == (200, "Patient")
    assert (await server.ehr.get("Patient/p")).status_code == 200


async def test_bodies_of_any_shape_are_refused_not_faults(server: Facade) -> None:
    for body in (b"", b"[]", b"null", b'"x"', b"{", b"\xff", b'{"a":1e999999999}', b"[" * 20000, dumps({})):
        for method, path in (("POST", "Patient"), ("PUT", "Patient/p"), ("POST", "")):
            answer = await server.ehr(method, path, body)
            assert 400 <= answer.status_code < 500, (method, body[:20], answer.text)
            assert issues(answer)
