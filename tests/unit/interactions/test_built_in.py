"""What is built in is read and searched like any resource: code systems, value sets, concept maps."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.facade import Client, facade

BUILT_IN = 1062 + 10
"""Code systems of R4, and those that are no resources elsewhere."""
GENDER = "http://hl7.org/fhir/administrative-gender"
MINE = {
    "resourceType": "CodeSystem",
    "id": "mine",
    "url": "urn:mine",
    "version": "7",
    "name": "Mine",
    "status": "active",
    "content": "complete",
    "concept": [{"code": "a"}],
}


@pytest.fixture(params=["memory", "sqlite"])
async def ehr(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Client]:
    async with facade(tmp_path, storage=request.param) as server:
        yield server.ehr


async def found(ehr: Client, url: str) -> tuple[list[str], dict[str, object]]:
    answer = await ehr.get(url)
    assert answer.status_code == 200, answer.text
    bundle = answer.json()
    return [one["resource"]["id"] for one in bundle.get("entry", ())], bundle


async def test_a_value_set_of_r4_is_read(ehr: Client) -> None:
    answer = await ehr.get("ValueSet/administrative-gender")
    assert answer.status_code == 200 and answer.headers["etag"] == 'W/"1"'
    assert answer.json()["url"] == "http://hl7.org/fhir/ValueSet/administrative-gender"
    assert answer.json()["meta"]["versionId"] == "1"
    assert (await ehr.get("ValueSet/administrative-gender/_history/1")).json() == answer.json()
    assert (await ehr.get("ValueSet/administrative-gender/_history/2")).status_code == 404
    assert (await ehr.get("ValueSet/none-such")).status_code == 404
    expanded = (await ehr.get("ValueSet/administrative-gender/$expand")).json()
    assert [one["code"] for one in expanded["expansion"]["contains"]] == [
        "male",
        "female",
        "other",
        "unknown",
    ]


@pytest.mark.parametrize(
    ("search", "ids"),
    [
        (f"CodeSystem?url={GENDER}", ["administrative-gender"]),
        (f"CodeSystem?url={GENDER}&version=4.0.1", ["administrative-gender"]),
        (f"CodeSystem?url={GENDER}&version=9", []),
        ("CodeSystem?_id=v3-ActCode", ["v3-ActCode"]),
        ("CodeSystem?name=administrativegender", ["administrative-gender"]),
        ("CodeSystem?title:contains=ontactpointu", ["contact-point-use"]),
        ("CodeSystem?code=http://hl7.org/fhir/administrative-gender|", []),
        ("CodeSystem?url=http://unitsofmeasure.org", ["ucum"]),
        ("CodeSystem?name=ISO4217", ["iso-4217"]),
        ("ValueSet?url=http://hl7.org/fhir/ValueSet/languages&status=draft,active", ["languages"]),
        ("ConceptMap?url=http://hl7.org/fhir/ConceptMap/cm-address-use-v3", ["cm-address-use-v3"]),
        ("CodeSystem?url=http://example.org/none", []),
    ],
)
async def test_it_is_searched(ehr: Client, search: str, ids: list[str]) -> None:
    assert (await found(ehr, search))[0] == ids


async def test_codes_inside_are_searched(ehr: Client) -> None:
    ids, _ = await found(ehr, "CodeSystem?code=home&_count=50")
    assert {"address-use", "contact-point-use"} <= set(ids)


async def test_a_summary_leaves_the_codes_out(ehr: Client) -> None:
    answer = (await ehr.get(f"CodeSystem?url={GENDER}&_summary=true")).json()
    (entry,) = answer["entry"]
    assert answer["total"] == 1 and "concept" not in entry["resource"]
    assert entry["resource"]["content"] == "complete"
    assert (await ehr.get("CodeSystem?_summary=count")).json()["total"] >= BUILT_IN
    assert (await ehr.get("CodeSystem?_summary=count&name=administrativegender")).json()["total"] == 1


async def test_pages_go_through_what_is_stored_and_then_what_is_built_in(ehr: Client) -> None:
    await ehr.put(MINE)
    seen: list[str] = []
    ids, bundle = await found(ehr, "CodeSystem?_count=300")
    for _ in range(5):
        seen += ids
        following = [one["url"] for one in bundle["link"] if one["relation"] == "next"]  # type: ignore[attr-defined]
        if not following:
            break
        ids, bundle = await found(ehr, following[0])
    total = (await ehr.get("CodeSystem?_summary=count")).json()["total"]
    assert len(seen) == len(set(seen)) == total > BUILT_IN
    assert seen.index("mine") < 40 and seen[-1] == "time-zones"


async def test_an_order_holds_for_both(ehr: Client) -> None:
    for name in ("Administrativf", "AAA"):
        await ehr.put({**MINE, "id": name, "url": f"urn:{name}", "name": name})
    names: list[str] = []
    bundle = (await ehr.get("CodeSystem?_sort=name&_count=7&status=active,draft")).json()
    for _ in range(6):
        names += [one["resource"]["name"] for one in bundle["entry"]]
        bundle = (
            await ehr.get(next(one["url"] for one in bundle["link"] if one["relation"] == "next"))
        ).json()
    folded = [name.casefold() for name in names]
    assert names[0] == "AAA" and "Administrativf" in names and len(folded) == 42
    assert folded == sorted(folded)


async def test_what_is_stored_stands_in_place_of_what_is_built_in(ehr: Client) -> None:
    own = {**MINE, "id": "administrative-gender", "url": "urn:other"}
    assert (await ehr.put(own)).status_code == 201
    assert (await ehr.get("CodeSystem/administrative-gender")).json()["url"] == "urn:other"
    assert (await found(ehr, f"CodeSystem?url={GENDER}"))[0] == []
    assert (await ehr("DELETE", "CodeSystem/administrative-gender")).status_code in (200, 204)
    assert (await ehr.get("CodeSystem/administrative-gender")).json()["url"] == GENDER
    assert (await found(ehr, f"CodeSystem?url={GENDER}"))[0] == ["administrative-gender"]


async def test_a_condition_sees_only_what_is_stored(ehr: Client) -> None:
    answer = await ehr.post({**MINE, "url": GENDER}, if_none_exist=f"url={GENDER}")
    assert answer.status_code == 201
