"""create, update, patch, delete, their conditional forms. https://hl7.org/fhir/R4/http.html"""

from __future__ import annotations

from typing import Any

import pytest

from fhirserver.kernel.json import dumps
from tests.facade import BASE, Facade, entry, expressions, issues, patient


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
    for other in ('W/"-1"', 'W/"²"', 'W/"' + "9" * 40 + '"', '"abc"', 'W/"0"'):
        answer = await server.ehr("PUT", "Patient/p", patient("p"), **{"if-match": other.encode("latin-1")})  # type: ignore[arg-type]
        assert answer.status_code == 412, other
    for wrong in ("x", '"3', "W/3", 'W/"1", W/"2"', ""):
        answer = await server.ehr.put(patient("p"), if_match=wrong)
        assert answer.status_code == 400, wrong
        assert expressions(answer) == ["http.If-Match"]
    for right in ("3", '"3"', 'W/"3"', "*", ' W/"3" '):
        answer = await server.ehr.put(patient("p", gender="female"), if_match=right)
        assert answer.status_code == 200, right
    assert (await server.ehr.put(patient("q"), if_match="*")).status_code == 412


async def test_if_none_match(server: Facade) -> None:
    assert (await server.ehr.put(patient("p"), if_none_match="*")).status_code == 201
    assert (await server.ehr.put(patient("p"), if_none_match="*")).status_code == 412
    changed = patient("p", gender="male")
    assert (await server.ehr.put(changed, if_none_match='W/"1"')).status_code == 412
    assert (await server.ehr.put(changed, if_none_match='W/"7"')).status_code == 200
    answer = await server.ehr.put(changed, if_none_match="x")
    assert (answer.status_code, expressions(answer)) == (400, ["http.If-None-Match"])


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
    for again in (False, True):
        answer = await server.ehr("DELETE", "Patient/p")
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers.get("etag") == (None if again else 'W/"2"')
    assert (await server.ehr("DELETE", "Patient/never")).status_code == 204
    assert (await server.ehr.get("Patient/p")).headers["etag"] == 'W/"2"'
    assert await server.ehr.ids("Patient") == []
    anew = await server.ehr.put(patient("p"))
    assert (anew.status_code, anew.headers["etag"]) == (201, 'W/"3"')
    assert (await server.ehr("DELETE", "Patient/p", if_match='W/"1"')).status_code == 412


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


@pytest.mark.parametrize("id", ["a_b", "a" * 65, "a%20b", "%C3%A4"])
async def test_an_id_that_is_none_is_400(server: Facade, id: str) -> None:
    for answer in (
        await server.ehr("PUT", f"Patient/{id}", patient("p")),
        await server.ehr("PATCH", f"Patient/{id}", [], media="application/json-patch+json"),
        await server.ehr("DELETE", f"Patient/{id}"),
    ):
        assert (answer.status_code, expressions(answer)) == (400, ["http.url"]), answer.text
    assert (await server.ehr.get(f"Patient/{id}")).status_code == 404
    stated = await server.ehr("PUT", "Patient/p", patient("a_b"))
    assert (stated.status_code, expressions(stated)) == (400, ["Patient.id"])


async def test_labels_on_update(server: Facade) -> None:
    """What is the server's in meta is ignored; labels are content: an update that leaves them out removes them."""
    tag, other = {"system": "urn:t", "code": "x"}, {"system": "urn:t", "code": "y"}

    async def stated(**meta: Any) -> tuple[str, list[Any]]:
        made = (await server.ehr.put(patient("p", **({"meta": meta} if meta else {})))).json()
        tags = [one for one in made["meta"]["tag"] if one["system"] == "urn:t"]
        return made["meta"]["versionId"], [
            *tags,
            *made["meta"].get("profile", ()),
            *made["meta"].get("security", ()),
        ]

    assert await stated(tag=[tag], profile=["urn:p"]) == ("1", [tag, "urn:p"])
    assert await stated(tag=[tag], profile=["urn:p"], versionId="7", lastUpdated="2001-01-01T00:00:00Z") == (
        "1",
        [tag, "urn:p"],
    )
    assert await stated(tag=[other], security=[tag]) == ("2", [other, tag])
    assert await stated() == ("3", [])


@pytest.mark.parametrize("id", [1, None, ["a"]])
async def test_an_id_that_is_no_text_is_no_id_to_ignore(server: Facade, id: object) -> None:
    body = {"resourceType": "Patient", "id": id}
    answer = await server.ehr.post(body)
    assert (answer.status_code, expressions(answer)) == (422, ["Patient.id"])
    answer = await server.ehr.transaction(entry("POST", "Patient", body))
    assert expressions(answer) == ["Bundle.entry[0].resource.id"]
    assert (await server.ehr.post({"resourceType": "Patient", "id": "not an id"})).status_code == 201
