"""search of several types or all. https://hl7.org/fhir/R4/http.html#search"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from fhirserver.model.definitions import definitions
from tests.facade import BASE, Facade, entry, expressions, patient

OBSERVATION = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}
TAG = {"tag": [{"system": "urn:t", "code": "mine"}]}


@pytest.fixture
async def filled(server: Facade) -> AsyncIterator[Facade]:
    organization = {"resourceType": "Organization", "id": "org", "name": "Acme", "meta": TAG}
    await server.ehr.put(organization)
    await server.ehr.put(patient("p", meta=TAG, managingOrganization={"reference": "Organization/org"}))
    await server.ehr.put(patient("q", gender="male"))
    practitioner = {"resourceType": "Practitioner", "id": "dr", "name": [{"family": "Okafor"}], "meta": TAG}
    await server.ehr.put(practitioner)
    await server.ehr.put({**OBSERVATION, "id": "o", "subject": {"reference": "Patient/p"}})
    yield server


async def _found(server: Facade, path: str) -> list[str]:
    """Type and id of all pages' matches."""
    found = []
    while path:
        answer = await server.ehr.get(path)
        assert answer.status_code == 200, answer.text
        bundle = answer.json()
        found += [
            f"{one['resource']['resourceType']}/{one['resource']['id']}"
            for one in bundle.get("entry", [])
            if one["search"]["mode"] == "match"
        ]
        path = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), "")
    return found


async def test_types_named_and_all(filled: Facade) -> None:
    both = ["Patient/p", "Practitioner/dr"]
    assert await _found(filled, "?_type=Patient,Practitioner&name=okafor&_tag=mine") == both
    assert await _found(filled, "?_tag=urn:t|mine") == ["Organization/org", *both]
    assert await _found(filled, "?_tag=mine&_sort=-_lastUpdated&_count=1") == [
        *both[::-1],
        "Organization/org",
    ]
    answer = await filled.ehr("POST", "_search", b"_tag=mine&_count=0", "application/x-www-form-urlencoded")
    assert answer.json()["total"] == 3
    summary = await filled.ehr.get("?_type=Patient,Practitioner&_summary=count")
    assert summary.json()["total"] == 3
    accurate = await filled.ehr.get("?_type=Patient,Practitioner&_total=accurate&_count=1")
    assert accurate.json()["total"] == 3


async def test_with_chains_has_includes_and_elements(filled: Facade) -> None:
    assert await _found(filled, "?_type=Observation,Condition&subject:Patient.name=okafor") == [
        "Observation/o"
    ]
    assert await _found(filled, "?_type=Patient,Device&_has:Observation:subject:status=final") == [
        "Patient/p"
    ]
    answer = await filled.ehr.get(
        "?_type=Patient,Practitioner&_id=p&_include=Patient:organization&_revinclude=Observation:subject"
        "&_elements=name,managingOrganization"
    )
    entries = answer.json()["entry"]
    modes = {(one["resource"]["resourceType"], one["search"]["mode"]) for one in entries}
    assert modes == {("Patient", "match"), ("Organization", "include"), ("Observation", "include")}
    assert "managingOrganization" in entries[0]["resource"]


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("_type=Patient,Practitioner&birthdate=2000", "birthdate"),
        ("_type=Patient,Nothing", "_type"),
        ("_type=", "_type"),
        ("_type=Patient&_type=Practitioner", "_type"),
        ("name=x", "name"),
        ("_type=Patient,Practitioner&_include=Observation:subject", "_include"),
        ("_type=Patient,Practitioner&_sort=birthdate", "_sort"),
        ("_type=Patient,Practitioner&_elements=status", "_elements"),
        ("_type=Patient,Practitioner&_cursor=x", "_cursor"),
    ],
)
async def test_what_one_type_lacks_is_refused(filled: Facade, query: str, name: str) -> None:
    answer = await filled.ehr.get(f"?{query}")
    assert (answer.status_code, set(expressions(answer))) == (400, {f"http.{name}"}), answer.text


async def test_lenient_handling_names_what_it_left_out(filled: Facade) -> None:
    answer = await filled.ehr.get("?_type=Patient,Practitioner&birthdate=2000", prefer="handling=lenient")
    assert [one["search"]["mode"] for one in answer.json()["entry"]] == ["match"] * 3 + ["outcome"]
    assert "birthdate" not in answer.json()["link"][0]["url"]


async def test_in_a_batch(filled: Facade) -> None:
    answer = await filled.ehr.batch(
        entry("GET", "?_type=Patient,Practitioner&_tag=mine"),
        entry("GET", "Patient/p/Observation?status=final"),
        entry("GET", "_history?_count=1"),
    )
    answers = answer.json()["entry"]
    assert [one["response"]["status"][:3] for one in answers] == ["200"] * 3, answers
    assert [one["resource"].get("total") for one in answers][:2] == [2, 1]


async def test_compartments(filled: Facade) -> None:
    inside = {"reference": "Patient/p"}
    await filled.ehr.put({**OBSERVATION, "id": "o2", "status": "amended", "performer": [inside]})
    await filled.ehr.put({**OBSERVATION, "id": "o3", "subject": {"reference": "Patient/q"}})
    condition = {"resourceType": "Condition", "id": "c", "subject": inside}
    await filled.ehr.put(condition)
    assert await _found(filled, "Patient/p/Observation") == ["Observation/o", "Observation/o2"]
    assert await _found(filled, "Patient/p/Observation?status=final") == ["Observation/o"]
    posted = await filled.ehr(
        "POST", "Patient/p/Observation/_search", b"status=final", "application/x-www-form-urlencoded"
    )
    assert posted.json()["total"] == 1
    assert await _found(filled, "Patient/p/Patient") == ["Patient/p"]
    everything = await _found(filled, "Patient/p/*?_count=2")
    assert [one for one in everything if not one.startswith("Provenance/")] == [
        "Patient/p",
        "Observation/o",
        "Observation/o2",
        "Condition/c",
    ]
    assert await _found(filled, "Patient/p/*?_type=Condition") == ["Condition/c"]
    assert await _found(filled, "Patient/nobody/Observation") == []
    assert await _found(filled, "Practitioner/dr/Practitioner") == ["Practitioner/dr"]


async def test_every_compartment_takes_every_type_it_holds(server: Facade) -> None:
    for compartment in sorted(definitions().compartments):
        for type in definitions().compartment(compartment):
            if type != "AuditEvent":  # for those with the role privacy: tests/e2e/test_audit.py
                assert await _found(server, f"{compartment}/x/{type}") == []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("Organization/org/Patient", 404),
        ("Patient/p/Location", 404),
        ("Patient/p/Nothing", 404),
        ("Nothing/p/Patient", 404),
        ("Patient/p/Observation/more", 404),
        ("Patient/p/Observation?nothing=x", 400),
        ("Patient/p/*?_type=Location", 400),
        ("Patient/p/*?status=final", 400),
    ],
)
async def test_what_is_no_compartment_is_refused(filled: Facade, path: str, status: int) -> None:
    answer = await filled.ehr.get(path)
    assert answer.status_code == status, answer.text
    assert expressions(answer)


async def test_lists(filled: Facade) -> None:
    items = ["Patient/p", f"{BASE}/Practitioner/dr", "http://elsewhere.org/Patient/q", "Patient/never"]
    given = {
        "resourceType": "List",
        "id": "l",
        "status": "current",
        "mode": "working",
        "entry": [{"item": {"reference": item}} for item in items],
    }
    assert (await filled.ehr.put(given)).status_code == 201
    assert await _found(filled, "Patient?_list=l") == ["Patient/p"]
    assert await _found(filled, "Patient?_list=l&gender=male") == []
    assert await _found(filled, "Organization?_list=l") == []
    assert await _found(filled, "?_list=l&_count=1") == ["Patient/p", "Practitioner/dr"]
    assert await _found(filled, "?_list=l&_type=Practitioner,Patient") == ["Patient/p", "Practitioner/dr"]
    assert await _found(filled, "Patient?_list=nobody,l") == ["Patient/p"]
    assert await _found(filled, "Patient?_list=l&_list=nobody") == []
    for path in ("Patient?_list=nobody", "?_list=nobody", "Patient/p/*?_list=nobody"):
        bundle = (await filled.ehr.get(path)).json()
        (outcome,) = bundle["entry"]
        assert (bundle["total"], outcome["search"]["mode"]) == (0, "outcome")
        (issue,) = outcome["resource"]["issue"]
        assert (issue["severity"], issue["code"], issue["expression"]) == (
            "warning",
            "not-found",
            ["http._list"],
        )
    for value in ("$current-allergies", "a_b", "", "l,,"):
        answer = await filled.ehr.get(f"Patient?_list={value}")
        assert (answer.status_code, expressions(answer)) == (400, ["http._list"])
