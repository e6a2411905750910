"""The conditional forms of create, update, patch and delete. https://hl7.org/fhir/R4/http.html#cond-update"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from fhirserver.kernel.json import JsonObject
from tests.facade import BASE, Facade, entry, expressions, facade, issues, patient

JSON_PATCH = "application/json-patch+json"
WHERE = "identifier=urn:mrn|7"
PATH = f"Patient?{WHERE}"
FEMALE = [{"op": "add", "path": "/gender", "value": "female"}]


def seven(id: str = "", **members: Any) -> JsonObject:
    return patient(id, identifier=[{"system": "urn:mrn", "value": "7"}], **members)


@pytest.fixture
async def several(tmp_path: Path) -> AsyncIterator[Facade]:
    """A server that deletes up to three at once."""
    async with facade(tmp_path, limits={"conditional_delete": 3}) as running:
        yield running


async def test_create_makes_one_only_where_none_matches(server: Facade) -> None:
    first = await server.ehr.post(seven(), if_none_exist=WHERE)
    again = await server.ehr.post(seven(gender="female"), if_none_exist=f"?{WHERE}")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.headers["location"] == first.headers["location"]
    assert again.json() == first.json()
    await server.ehr.post(seven())
    third = await server.ehr.post(seven(), if_none_exist=WHERE)
    assert (third.status_code, issues(third)[0]["code"]) == (412, "multiple-matches")


@pytest.mark.parametrize("form", [f"Patient?{WHERE}", f"{BASE}/Patient?{WHERE}", f"/Patient?{WHERE}"])
async def test_the_condition_of_create_may_be_a_url(server: Facade, form: str) -> None:
    """HAPI's client sends the whole URL of the search."""
    first = await server.ehr.post(seven(), if_none_exist=form)
    again = await server.ehr.post(seven(), if_none_exist=form)
    assert (first.status_code, again.status_code) == (201, 200), again.text
    bundle = await server.ehr.transaction(entry("POST", "Patient", seven(), ifNoneExist=form))
    assert bundle.json()["entry"][0]["response"]["status"] == "200"


@pytest.mark.parametrize("form", ["Observation?code=1", "http://other.test/fhir/Patient?gender=male"])
async def test_the_condition_of_create_is_about_its_own_type_and_server(server: Facade, form: str) -> None:
    answer = await server.ehr.post(seven(), if_none_exist=form)
    assert (answer.status_code, expressions(answer)) == (400, ["http.If-None-Exist"])


async def test_a_question_mark_in_a_value_is_a_part_of_it(server: Facade) -> None:
    asked = patient(identifier=[{"system": "urn:mrn", "value": "7?8"}])
    statuses = [
        (await server.ehr.post(asked, if_none_exist="identifier=urn:mrn|7?8")).status_code for _ in "12"
    ]
    assert statuses == [201, 200]


CRITERIA = [("", 412), ("_count=1", 412), ("identifer=x", 400), ("gender=", 400), ("_sort=name", 412)]


@pytest.mark.parametrize(("criteria", "status"), CRITERIA[1:])
async def test_a_condition_of_create_needs_criteria_it_knows(
    server: Facade, criteria: str, status: int
) -> None:
    answer = await server.ehr.post(patient(), if_none_exist=criteria)
    assert (answer.status_code, expressions(answer)) == (status, ["http.If-None-Exist"]), answer.text


@pytest.mark.parametrize(("criteria", "status"), CRITERIA)
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_a_condition_needs_criteria_it_knows(
    several: Facade, method: str, criteria: str, status: int
) -> None:
    await several.ehr.put(seven("p"))
    body: Any = {"PUT": seven(), "PATCH": FEMALE, "DELETE": None}[method]
    media = JSON_PATCH if method == "PATCH" else "application/fhir+json"
    answer = await several.ehr(method, f"Patient?{criteria}", body, media=media)
    assert answer.status_code == status, answer.text
    assert all(where.startswith("http.") for where in expressions(answer))
    assert (await several.ehr.get("Patient/p")).headers["etag"] == 'W/"1"'


async def test_update_without_a_match(server: Facade) -> None:
    free = await server.ehr("PUT", PATH, seven())
    assert free.status_code == 201
    assert free.headers["location"].endswith(f"/Patient/{free.json()['id']}/_history/1")
    named = await server.ehr("PUT", "Patient?identifier=urn:mrn|8", patient("mine"))
    assert (named.status_code, named.json()["id"]) == (201, "mine")


async def test_update_without_a_match_does_not_overwrite_what_has_the_bodys_id(server: Facade) -> None:
    await server.ehr.put(patient("taken", gender="male"))
    answer = await server.ehr("PUT", PATH, seven("taken"))
    assert (answer.status_code, expressions(answer)) == (409, ["Patient.id"])
    assert issues(answer)[0]["code"] == "conflict"
    assert (await server.ehr.get("Patient/taken")).json()["gender"] == "male"


async def test_update_with_one_match(server: Facade) -> None:
    await server.ehr.put(seven("p"))
    bare = await server.ehr("PUT", PATH, seven(gender="female"), if_match='W/"1"')
    assert (bare.status_code, bare.json()["id"], bare.headers["etag"]) == (200, "p", 'W/"2"')
    named = await server.ehr("PUT", PATH, seven("p", gender="male"))
    assert (named.status_code, named.json()["gender"]) == (200, "male")
    other = await server.ehr("PUT", PATH, seven("other"))
    assert (other.status_code, expressions(other)) == (400, ["Patient.id"])
    stale = await server.ehr("PUT", PATH, seven(), if_match='W/"1"')
    assert (stale.status_code, issues(stale)[0]["code"]) == (412, "conflict")
    there = await server.ehr("PUT", PATH, seven(), if_none_match="*")
    assert there.status_code == 412


async def test_update_and_patch_with_several_matches(server: Facade) -> None:
    await server.ehr.put(seven("p"))
    await server.ehr.put(seven("q"))
    for answer in (
        await server.ehr("PUT", PATH, seven()),
        await server.ehr("PUT", PATH, seven("p")),
        await server.ehr("PATCH", PATH, FEMALE, media=JSON_PATCH),
        await server.ehr("DELETE", PATH),
    ):
        assert (answer.status_code, issues(answer)[0]["code"]) == (412, "multiple-matches")
        assert expressions(answer) == ["Patient"]
    assert sorted(await server.ehr.ids("Patient")) == ["p", "q"]


async def test_patch(server: Facade) -> None:
    none = await server.ehr("PATCH", PATH, FEMALE, media=JSON_PATCH)
    assert (none.status_code, issues(none)[0]["code"]) == (404, "not-found")
    await server.ehr.put(seven("p"))
    one = await server.ehr("PATCH", PATH, FEMALE, media=JSON_PATCH, if_match='W/"1"')
    assert (one.status_code, one.json()["gender"], one.json()["id"]) == (200, "female", "p")
    stale = await server.ehr("PATCH", PATH, FEMALE, media=JSON_PATCH, if_match='W/"1"')
    assert stale.status_code == 412


async def test_delete_of_one(server: Facade) -> None:
    await server.ehr.put(seven("p"))
    stale = await server.ehr("DELETE", PATH, if_match='W/"7"')
    assert stale.status_code == 412
    answer = await server.ehr("DELETE", PATH, if_match='W/"1"')
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (204, b"", 'W/"2"')
    assert (await server.ehr.get("Patient/p")).status_code == 410
    assert (await server.ehr("DELETE", PATH)).status_code == 204
    assert (await server.ehr("DELETE", PATH, if_match='W/"1"')).status_code == 412
    said = await server.ehr("DELETE", PATH, prefer="return=OperationOutcome")
    assert (said.status_code, issues(said)[0]["severity"]) == (200, "information")


async def test_delete_of_several_where_the_settings_allow_it(several: Facade) -> None:
    for id in ("a", "b", "c"):
        await several.ehr.put(seven(id))
    await several.ehr.put(patient("other"))
    head = several.store.head
    answer = await several.ehr("DELETE", PATH, prefer="return=OperationOutcome")
    assert answer.status_code == 200
    assert all(f"Patient/{id}" in issues(answer)[0]["diagnostics"] for id in ("a", "b", "c"))
    assert several.store.head == head + 1, "one commit"
    assert await several.ehr.ids("Patient") == ["other"]


async def test_delete_of_more_than_the_settings_allow(several: Facade) -> None:
    for id in ("a", "b", "c", "d"):
        await several.ehr.put(seven(id))
    answer = await several.ehr("DELETE", PATH)
    assert (answer.status_code, issues(answer)[0]["code"]) == (412, "multiple-matches")
    assert len(await several.ehr.ids("Patient")) == 4


@pytest.mark.parametrize("kind", ["transaction", "batch"])
async def test_all_of_them_as_entries(several: Facade, kind: str) -> None:
    for id in ("a", "b"):
        await several.ehr.put(patient(id, gender="other"))
    await several.ehr.put(seven("p"))
    patch = {
        "resourceType": "Parameters",
        "parameter": [
            {
                "name": "operation",
                "part": [
                    {"name": "type", "valueCode": "add"},
                    {"name": "path", "valueString": "Patient"},
                    {"name": "name", "valueString": "gender"},
                    {"name": "value", "valueCode": "female"},
                ],
            }
        ],
    }
    answer = await several.ehr.bundle(
        kind,
        entry("PATCH", PATH, patch),
        entry("DELETE", "Patient?gender=other"),
        entry("PUT", "Patient?identifier=urn:mrn|8", patient("new")),
        entry("POST", "Patient", patient(), ifNoneExist="identifier=urn:mrn|7"),
    )
    assert answer.status_code == 200, answer.text
    statuses = [one["response"]["status"][:3] for one in answer.json()["entry"]]
    assert statuses == ["200", "204", "201", "200"]
    assert sorted(await several.ehr.ids("Patient")) == ["new", "p"]
    assert (await several.ehr.get("Patient/p")).json()["gender"] == "female"


async def test_one_resource_by_two_entries_is_refused(several: Facade) -> None:
    await several.ehr.put(seven("p"))
    for pair in (
        (entry("DELETE", PATH), entry("PUT", "Patient/p", seven("p"))),
        (entry("DELETE", PATH), entry("DELETE", PATH)),
        (entry("DELETE", "Patient/p"), entry("PUT", PATH, seven())),
        (entry("PUT", PATH, seven()), entry("PUT", "Patient?identifier=7", seven())),
    ):
        answer = await several.ehr.transaction(*pair)
        assert (answer.status_code, issues(answer)[0]["code"]) == (400, "duplicate"), answer.text
        assert expressions(answer)[0].startswith("Bundle.entry[1].")
    assert (await several.ehr.get("Patient/p")).headers["etag"] == 'W/"1"'


async def test_conditions_do_not_lead_to_the_servers_own(several: Facade) -> None:
    path = "StructureDefinition?url=https://credence.health/fhir/StructureDefinition/confidence"
    (id,) = await several.ehr.ids(path)
    definition = (await several.ehr.get(f"StructureDefinition/{id}")).json()
    for answer in (
        await several.ehr("DELETE", path),
        await several.ehr("PUT", path, definition),
        await several.ehr("PATCH", path, [], media=JSON_PATCH),
    ):
        assert answer.status_code == 405, answer.text


VALUES = {
    "resourceType": "ValueSet",
    "status": "active",
    "url": "urn:vs",
    "compose": {"include": [{"system": "urn:mrn", "concept": [{"code": "7"}]}]},
}


async def test_conditions_know_the_value_sets_of_this_moment(server: Facade) -> None:
    made = await server.ehr.post(seven())
    await server.ehr.post({**VALUES, "url": "urn:create"})
    again = await server.ehr.post(seven(), if_none_exist="identifier:in=urn:create")
    assert (again.status_code, again.headers["location"]) == (200, made.headers["location"])
    await server.ehr.post({**VALUES, "url": "urn:update"})
    updated = await server.ehr("PUT", "Patient?identifier:in=urn:update", seven(gender="male"))
    assert (updated.status_code, updated.json()["id"]) == (200, made.json()["id"])
    await server.ehr.post({**VALUES, "url": "urn:transaction"})
    request = {"method": "POST", "url": "Patient", "ifNoneExist": "identifier:in=urn:transaction"}
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"resource": seven(), "request": request}],
    }
    answer = await server.ehr("POST", "", bundle)
    assert answer.json()["entry"][0]["response"]["status"][:3] == "200", answer.text
