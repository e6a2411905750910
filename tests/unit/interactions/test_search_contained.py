from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from fhirserver.interactions import contained_joins, search_contained
from tests.facade import BASE, Facade, expressions, facade


@pytest.fixture(params=["memory", "sqlite"])
async def server(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Facade]:
    async with facade(tmp_path, request.param) as running:
        yield running


def medication(id: str, code: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Medication",
        "id": id,
        "code": {"coding": [{"system": "urn:drug", "code": code}]},
        **more,
    }


def order(id: str, *inside: dict[str, Any]) -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest",
        "id": id,
        "contained": list(inside),
        "status": "active",
        "intent": "order",
        "medicationReference": {"reference": f"#{inside[0]['id']}"},
        "subject": {"reference": "Patient/p"},
    }


async def put(server: Facade, *resources: dict[str, Any]) -> None:
    for one in resources:
        answer = await server.ehr.put(one)
        assert answer.status_code in (200, 201), answer.text


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy the machine: what is asked here waits until contained resources are indexed."""
    for module in (contained_joins, search_contained):
        monkeypatch.setattr(module, "PATIENCE_SECONDS", 60.0)


@pytest.fixture
async def filled(server: Facade) -> Facade:
    await put(
        server,
        medication("alone", "a"),
        order("o1", medication("m", "a"), medication("n", "a", status="active")),
        order("o2", medication("m", "b")),
        order("o3", medication("m", "a")),
    )
    return server


async def urls(server: Facade, path: str) -> list[str]:
    """The full URLs on all pages."""
    found: list[str] = []
    while path:
        answer = await server.ehr.get(path)
        assert answer.status_code == 200, answer.text
        bundle = answer.json()
        found += [entry["fullUrl"].removeprefix(f"{BASE}/") for entry in bundle.get("entry", [])]
        following = [link["url"] for link in bundle["link"] if link["relation"] == "next"]
        path = following[0].removeprefix(f"{BASE}/") if following else ""
    return found


async def test_containers_are_found_by_what_they_contain(filled: Facade) -> None:
    assert await urls(filled, "Medication?code=a") == ["Medication/alone"]
    assert await urls(filled, "Medication?code=a&_contained=false") == ["Medication/alone"]
    expected = ["MedicationRequest/o1", "MedicationRequest/o3"]
    assert await urls(filled, "Medication?code=a&_contained=true") == expected
    bundle = (await filled.ehr.get("Medication?code=a&_contained=true")).json()
    assert bundle["total"] == 2
    assert [entry["resource"]["resourceType"] for entry in bundle["entry"]] == ["MedicationRequest"] * 2
    assert {entry["search"]["mode"] for entry in bundle["entry"]} == {"match"}


async def test_contained_resources_themselves(filled: Facade) -> None:
    bundle = (await filled.ehr.get("Medication?code=b&_contained=true&_containedType=contained")).json()
    (entry,) = bundle["entry"]
    assert entry["fullUrl"] == f"{BASE}/MedicationRequest/o2#m"
    assert entry["resource"] == medication("m", "b")
    path = "Medication?_id=m&_contained=true&_containedType=contained"
    assert await urls(filled, path) == [f"MedicationRequest/o{n}#m" for n in (1, 2, 3)]
    assert await urls(filled, f"{path}&status=active") == []


async def test_both(filled: Facade) -> None:
    path = "Medication?code=a&_contained=both"
    expected = ["Medication/alone", "MedicationRequest/o1", "MedicationRequest/o3"]
    assert await urls(filled, path) == expected
    for count in (1, 2, 3):
        assert await urls(filled, f"{path}&_count={count}") == expected
    inside = [
        "Medication/alone",
        "MedicationRequest/o1#m",
        "MedicationRequest/o1#n",
        "MedicationRequest/o3#m",
    ]
    for count in (1, 2, 3, 4):
        assert await urls(filled, f"{path}&_containedType=contained&_count={count}") == inside
    assert (await filled.ehr.get(f"{path}&_total=accurate&_count=1")).json()["total"] == 3
    assert (await filled.ehr.get(f"{path}&_containedType=contained&_summary=count")).json()["total"] == 4


async def test_pages_totals_and_order(filled: Facade) -> None:
    path = "Medication?code=a&_contained=true&_count=1"
    assert await urls(filled, path) == ["MedicationRequest/o1", "MedicationRequest/o3"]
    assert (await filled.ehr.get(f"{path}&_total=accurate")).json()["total"] == 2
    assert (await filled.ehr.get("Medication?_contained=true&_summary=count")).json()["total"] == 3
    path = "Medication?_contained=true&_containedType=contained&_sort=-code&_count=1"
    assert (await urls(filled, path))[0] == "MedicationRequest/o2#m"
    assert len(await urls(filled, path)) == 4


async def test_a_container_that_matches_itself_comes_once(server: Facade) -> None:
    inner = {"resourceType": "Observation", "id": "in", "status": "final", "code": {"text": "x"}}
    await put(server, {**inner, "id": "out", "contained": [inner], "hasMember": [{"reference": "#in"}]})
    path = "Observation?status=final&_contained=both"
    assert await urls(server, path) == ["Observation/out"]
    assert (await server.ehr.get(f"{path}&_summary=count")).json()["total"] == 1


async def test_what_changes_is_found_as_it_is_now(filled: Facade) -> None:
    path = "Medication?code=a&_contained=true"
    assert len(await urls(filled, path)) == 2
    await put(filled, order("o2", medication("m", "a")), order("o1", medication("m", "b")))
    assert await urls(filled, path) == ["MedicationRequest/o2", "MedicationRequest/o3"]
    await filled.ehr("DELETE", "MedicationRequest/o3")
    assert await urls(filled, path) == ["MedicationRequest/o2"]
    plain = {name: value for name, value in order("o2", medication("m", "a")).items() if name != "contained"}
    await put(filled, {**plain, "medicationReference": {"reference": "Medication/alone"}})
    assert await urls(filled, path) == []


async def test_several_types(filled: Facade) -> None:
    path = "?_type=Medication,Patient&_contained=true&_containedType=contained&_id=n"
    assert await urls(filled, path) == ["MedicationRequest/o1#n"]


async def test_elements_and_summary(filled: Facade) -> None:
    path = "Medication?_id=n&_contained=true&_containedType=contained"
    entry = (await filled.ehr.get(f"{path}&_elements=status")).json()["entry"][0]["resource"]
    assert entry["status"] == "active" and "code" not in entry
    summary = (await filled.ehr.get("Medication?_id=n&_contained=true&_summary=true")).json()["entry"][0]
    assert summary["resource"]["status"] == "active"


@pytest.mark.parametrize(
    ("query", "at"),
    [
        ("_contained=x", "http._contained"),
        ("_contained=true&_containedType=x", "http._containedType"),
        ("_contained=true&_sort=code", "http._sort"),
        ("_contained=both&_containedType=contained&_sort=code", "http._sort"),
        ("_contained=true&_elements=code", "http._elements"),
        ("_contained=true&_content=x", "http._contained"),
        ("_contained=true&_revinclude=MedicationRequest:medication", "http._revinclude"),
        ("_contained=true&_list=42", "http._list"),
        ("_contained=true&_cursor=x", "http._cursor"),
        ("_contained=true&_cursor=WyJpbnNpZGUiXQ", "http._cursor"),
        ("_cursor=WyJpbnNpZGUiXQ", "http._cursor"),
    ],
)
async def test_what_cannot_be_asked_is_refused(server: Facade, query: str, at: str) -> None:
    answer = await server.ehr.get(f"Medication?{query}")
    assert answer.status_code == 400
    assert expressions(answer) == [at]


async def test_compartments_and_conditions_know_none(filled: Facade) -> None:
    answer = await filled.ehr.get("Patient/p/MedicationRequest?_contained=true")
    assert (answer.status_code, expressions(answer)) == (400, ["http._contained"])
    answer = await filled.ehr("DELETE", "Medication?code=a&_contained=true")
    assert answer.status_code == 400


async def test_parameters_of_ones_own(filled: Facade) -> None:
    parameter = {
        "resourceType": "SearchParameter",
        "id": "form",
        "url": "http://example.org/form",
        "name": "form",
        "status": "active",
        "description": "x",
        "code": "my-status",
        "base": ["Medication"],
        "type": "token",
        "expression": "Medication.status",
    }
    assert len(await urls(filled, "Medication?code=a&_contained=true")) == 2
    await put(filled, parameter)
    await filled.store.complete_index()
    assert await urls(filled, "Medication?my-status=active&_contained=true") == ["MedicationRequest/o1"]


async def test_the_space_is_the_same_after_a_rebuild(filled: Facade) -> None:
    path = "Medication?code=a&_contained=true"
    await urls(filled, path)
    await put(
        filled, order("o2", medication("m", "c"), medication("x", "a")), order("o1", medication("m", "a"))
    )
    found = await urls(filled, path)
    before = list(await filled.store.storage.contained.dump())
    assert before
    await filled.store.rebuild()
    assert await urls(filled, path) == found
    assert list(await filled.store.storage.contained.dump()) == before


@pytest.fixture
async def made(filled: Facade) -> Facade:
    """Contained medications whose makers are elsewhere, beside them, or named by nothing."""
    maker = {"resourceType": "Organization", "name": "Roth"}
    await put(
        filled,
        {**maker, "id": "roth"},
        {**maker, "id": "blau", "name": "Blau"},
        order("o4", medication("m", "c", manufacturer={"reference": "Organization/roth"})),
        order(
            "o5",
            medication("m", "c", manufacturer={"reference": "#maker"}),
            {**maker, "id": "maker", "name": "Gelb", "partOf": {"reference": "Organization/blau"}},
        ),
        medication("out", "c", manufacturer={"reference": "Organization/roth"}),
        {**order("o6", medication("m", "d")), "medicationReference": {"reference": "Medication/out"}},
    )
    return filled


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("MedicationRequest?medication.code=a", "o1 o3"),
        ("MedicationRequest?medication.code=c", "o4 o5 o6"),
        ("MedicationRequest?medication.code=d", ""),
        ("MedicationRequest?medication:Medication.code=b&status=active", "o2"),
        ("MedicationRequest?medication.code:not=a", "o2 o4 o5 o6"),
        ("MedicationRequest?medication.manufacturer.name=roth", "o4 o6"),
        ("MedicationRequest?medication.manufacturer.name=gelb", "o5"),
        ("MedicationRequest?medication.manufacturer.partof.name=blau", "o5"),
        ("MedicationRequest?_filter=medication.code eq a and status eq active", "o1 o3"),
        ("?_type=MedicationRequest,MedicationDispense&medication.code=a", "o1 o3"),
        ("MedicationRequest?medication.code=a&_count=1", "o1 o3"),
        ("MedicationRequest?medication.status=active", ""),
        ("MedicationRequest?medication._content=roth", "o6"),
        ("MedicationRequest?medication._text=c", ""),
        ('MedicationRequest?medication._content="roth and blau"', ""),
        ("MedicationRequest?medication.manufacturer._content=roth", "o4 o6"),
        ("MedicationRequest?medication.manufacturer:below=roth", "o4 o6"),
    ],
)
async def test_chains_lead_inside(made: Facade, path: str, found: str) -> None:
    """https://hl7.org/fhir/R4/search.html#contained"""
    assert [url.partition("/")[2] for url in await urls(made, path)] == found.split()
    counted = (await made.ehr.get(f"{path}&_summary=count")).json()["total"]
    assert counted == len(found.split())


async def test_chains_lead_inside_from_has(made: Facade) -> None:
    await put(
        made,
        {
            "resourceType": "Provenance",
            "id": "pr",
            "target": [{"reference": "MedicationRequest/o2"}],
            "recorded": "2024-01-01T00:00:00Z",
            "agent": [{"who": {"display": "x"}}],
        },
    )
    assert await urls(made, "Provenance?_id=pr&target:MedicationRequest.medication.code=b") == [
        "Provenance/pr"
    ]
    await put(made, {"resourceType": "Patient", "id": "p"})
    assert await urls(made, "Patient?_has:MedicationRequest:subject:medication.code=b") == ["Patient/p"]
    assert await urls(made, "Patient?_has:MedicationRequest:subject:medication.code=z") == []


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("manufacturer.name=roth", "o4#m"),
        ("manufacturer.name=gelb", "o5#m"),
        ("manufacturer.partof.name=blau", "o5#m"),
        ("_has:MedicationRequest:medication:status=active&code=c", "o4#m o5#m"),
        ("_has:MedicationRequest:medication:status=draft", ""),
        ("_has:MedicationRequest:medication:_id=o1", "o1#m"),
        ("manufacturer:missing=true&code=b", "o2#m"),
        ("manufacturer:below=roth", "o4#m"),
        ("manufacturer.partof:below=blau", "o5#m"),
        ("manufacturer.partof:above=blau", "o5#m"),
    ],
)
async def test_chains_of_what_is_contained(made: Facade, path: str, found: str) -> None:
    path = f"Medication?_contained=true&_containedType=contained&{path}"
    assert [url.partition("/")[2] for url in await urls(made, path)] == found.split()


async def test_a_contained_resource_is_referred_to_from_beside_it(made: Facade) -> None:
    path = "Organization?_contained=true&_containedType=contained&_has:Medication:manufacturer:code"
    assert await urls(made, f"{path}=c") == ["MedicationRequest/o5#maker"]
    assert await urls(made, f"{path}=d") == []


async def test_chains_in_a_search_for_both(made: Facade) -> None:
    path = "Medication?_contained=both&manufacturer.name=roth"
    assert await urls(made, path) == ["Medication/out", "MedicationRequest/o4"]
    assert (await made.ehr.get(f"{path}&_summary=count")).json()["total"] == 2


@pytest.mark.parametrize("answered", ["container", "contained"])
async def test_includes_start_at_what_is_contained(made: Facade, answered: str) -> None:
    path = f"Medication?_contained=true&_containedType={answered}&code=c&_include=Medication:manufacturer"
    bundle = (await made.ehr.get(path)).json()
    modes = [(one["resource"]["id"], one["search"]["mode"]) for one in bundle["entry"]]
    matches = [("o4", "match"), ("o5", "match")] if answered == "container" else [("m", "match")] * 2
    assert modes == [*matches, ("roth", "include")]
    assert bundle["total"] == 2
    both = (await made.ehr.get(path.replace("=true", "=both"))).json()
    assert [one["search"]["mode"] for one in both["entry"]] == ["match"] * 3 + ["include"]


async def test_chains_lead_inside_whatever_way_a_resource_came(server: Facade) -> None:
    """Created, in a transaction, with an id of the server's, patched: its own id is part of what is indexed."""
    plain = order("x", medication("m", "a"))
    del plain["id"]
    made = await server.ehr.post(plain)
    bundle = await server.ehr.transaction(
        {"resource": plain, "request": {"method": "POST", "url": "MedicationRequest"}}
    )
    assert (made.status_code, bundle.status_code) == (201, 200)
    await put(server, order("p", medication("m", "b")))
    patch = [{"op": "replace", "path": "/contained/0/code/coding/0/code", "value": "a"}]
    patched = await server.ehr("PATCH", "MedicationRequest/p", patch, "application/json-patch+json")
    assert patched.status_code == 200
    assert len(await urls(server, "MedicationRequest?medication.code=a")) == 3


async def test_a_chain_by_words_leads_past_what_is_contained(tmp_path: Path) -> None:
    inside = {"resourceType": "Patient", "id": "c", "name": [{"family": "Eve"}]}
    async with facade(tmp_path, "sqlite") as server:
        await server.ehr.put({"resourceType": "Patient", "id": "p", "name": [{"family": "Eve"}]})
        seen = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}
        await server.ehr.put({**seen, "id": "in", "contained": [inside], "subject": {"reference": "#c"}})
        await server.ehr.put({**seen, "id": "out", "subject": {"reference": "Patient/p"}})
        assert await server.ehr.ids("Observation?subject:Patient.name=eve&_sort=_id") == ["in", "out"]
        for words in ("eve", "eve,adam", '"eve"'):
            assert await server.ehr.ids(f"Observation?subject:Patient._content={words}") == ["out"]
        assert await server.ehr.ids("Observation?subject:Patient._text=eve") == []


async def test_nobody_waits_long_for_what_is_not_indexed(
    filled: Facade, monkeypatch: pytest.MonkeyPatch
) -> None:
    for one in (contained_joins, search_contained):
        monkeypatch.setattr(one, "PATIENCE_SECONDS", -1.0)
    asked = await filled.ehr.get("Medication?_contained=true&code=urn:drug|a")
    assert (asked.status_code, asked.headers["retry-after"]) == (503, "5")
    await put(filled, medication("another", "a"))
    behind = await filled.ehr.get("MedicationRequest?medication.code=urn:drug|a")
    (warning,) = (
        entry["resource"] for entry in behind.json()["entry"] if entry["search"]["mode"] == "outcome"
    )
    assert [issue["code"] for issue in warning["issue"]] == ["incomplete"]
    while (asked := await filled.ehr.get("Medication?_contained=true&code=urn:drug|a")).status_code == 503:
        pass
    assert len(asked.json()["entry"]) == 2
    found = await filled.ehr.get("MedicationRequest?medication.code=urn:drug|a")
    assert [entry["search"]["mode"] for entry in found.json()["entry"]] == ["match", "match"]
