"""search of one type. https://hl7.org/fhir/R4/search.html"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from fhirserver.kernel.json import JsonObject, loads
from fhirserver.model.validation import validate
from tests.facade import BASE, Facade, entry, expressions, facade, patient

FORM = "application/x-www-form-urlencoded"


def link(bundle: JsonObject, relation: str) -> str:
    return next((one["url"] for one in bundle["link"] if one["relation"] == relation), "")


async def fill(server: Facade, count: int) -> None:
    entries = [
        entry("PUT", f"Patient/p{n}", patient(f"p{n}", birthDate=f"19{50 + n}-01-01", gender="female"))
        for n in range(count)
    ]
    assert (await server.ehr.transaction(*entries)).status_code == 200


async def test_a_searchset_is_valid_and_says_what_was_asked(server: Facade) -> None:
    await fill(server, 2)
    bundle = loads((await server.ehr.get("Patient?gender=female&_sort=-birthdate")).content)
    assert (bundle["type"], bundle["total"]) == ("searchset", 2)
    assert [one["fullUrl"] for one in bundle["entry"]] == [f"{BASE}/Patient/p1", f"{BASE}/Patient/p0"]
    assert {one["search"]["mode"] for one in bundle["entry"]} == {"match"}
    assert dict(parse_qsl(urlsplit(link(bundle, "self")).query)) == {
        "gender": "female",
        "_sort": "-birthdate",
    }
    assert [issue for issue in validate(bundle) if issue.severity == "error"] == []


@pytest.mark.parametrize("sort", ["", "&_sort=birthdate", "&_sort=-birthdate,_id", "&_sort=_lastUpdated"])
async def test_pages_hold_every_match_once_while_others_write(server: Facade, sort: str) -> None:
    await fill(server, 9)
    url, seen = f"Patient?gender=female&_count=2{sort}", []
    while url:
        bundle = (await server.ehr.get(url)).json()
        seen += [one["resource"]["id"] for one in bundle["entry"]]
        assert [
            one["resource"]["id"] for one in (await server.ehr.get(link(bundle, "self"))).json()["entry"]
        ] == [one["resource"]["id"] for one in bundle["entry"]]
        await server.lab.put(patient(f"x{len(seen)}", gender="male"))
        url = link(bundle, "next")
    assert sorted(seen) == [f"p{n}" for n in range(9)]


async def test_totals(server: Facade) -> None:
    await fill(server, 3)
    assert (await server.ehr.get("Patient")).json()["total"] == 3
    assert "total" not in (await server.ehr.get("Patient?_count=2")).json()
    assert (await server.ehr.get("Patient?_count=2&_total=accurate")).json()["total"] == 3
    for query in ("_summary=count", "_count=0", "_summary=count&gender=female"):
        bundle = (await server.ehr.get(f"Patient?{query}")).json()
        assert bundle["total"] == 3, query
        assert "entry" not in bundle


async def test_post_search(server: Facade) -> None:
    await fill(server, 3)
    for path in ("Patient/_search", "Patient/_search?gender=female"):
        answer = await server.ehr("POST", path, b"birthdate=ge1951&_count=1", media=FORM)
        bundle = answer.json()
        assert len(bundle["entry"]) == 1, path
        assert len((await server.ehr.get(link(bundle, "next"))).json()["entry"]) == 1
    assert (await server.ehr("POST", "Patient/_search")).json()["total"] == 3
    refused = await server.ehr("POST", "Patient/_search", {"gender": "female"})
    assert refused.status_code == 415
    assert (await server.ehr.get("Patient/_search?gender=female")).status_code == 405


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("nmae=x", "nmae"),
        ("name:nonsense=x", "name:nonsense"),
        ("birthdate=yesterday", "birthdate"),
        ("_sort=nonsense", "_sort"),
        ("_count=-1", "_count"),
        ("_include=Patient:nonsense", "_include"),
        ("_summary=maybe", "_summary"),
        ("_elements=nonsense", "_elements"),
        ("_cursor=nonsense", "_cursor"),
        ("general-practitioner.nonsense=x", "general-practitioner.nonsense"),
    ],
)
async def test_what_is_not_known_is_refused_by_name(server: Facade, query: str, name: str) -> None:
    answer = await server.ehr.get(f"Patient?{query}")
    assert answer.status_code == 400
    assert expressions(answer) == [f"http.{name}"]


async def test_lenient_says_what_it_passed_over(server: Facade) -> None:
    await fill(server, 1)
    bundle = (await server.ehr.get("Patient?nmae=x&gender=female", prefer="handling=lenient")).json()
    match, outcome = bundle["entry"]
    assert (match["search"]["mode"], outcome["search"]["mode"]) == ("match", "outcome")
    assert "nmae" in outcome["resource"]["issue"][0]["diagnostics"]
    assert "nmae" not in link(bundle, "self")
    assert bundle["total"] == 1
    assert (await server.ehr.get("Patient?gender=female", prefer="handling=strict")).status_code == 200


async def test_summary_and_elements(server: Facade) -> None:
    await fill(server, 1)
    for query, members in (
        ("_elements=gender", {"gender"}),
        ("_elements=Patient.gender,birthDate", {"gender", "birthDate"}),
        ("_summary=text", set()),
        ("_summary=true", {"gender", "birthDate", "name"}),
    ):
        (one,) = (await server.ehr.get(f"Patient?{query}")).json()["entry"]
        assert one["resource"].keys() == {"resourceType", "id", "meta", *members}, query
        assert "SUBSETTED" in {tag["code"] for tag in one["resource"]["meta"]["tag"]}


async def family(server: Facade) -> None:
    def refer(reference: str) -> JsonObject:
        return {"reference": reference}

    resources: list[dict[str, Any]] = [
        {"resourceType": "Organization", "id": "top", "name": "Top"},
        {"resourceType": "Organization", "id": "mid", "name": "Mid", "partOf": refer("Organization/top")},
        {"resourceType": "Organization", "id": "low", "name": "Low", "partOf": refer("Organization/mid")},
        patient("p", managingOrganization=refer("Organization/low")),
        {
            "resourceType": "Encounter",
            "id": "e",
            "status": "finished",
            "class": {"code": "AMB"},
            "subject": refer("Patient/p"),
        },
        {
            "resourceType": "Observation",
            "id": "o",
            "status": "final",
            "code": {"text": "x"},
            "subject": refer(f"{BASE}/Patient/p"),
            "encounter": refer("Encounter/e"),
        },
    ]
    entries = [entry("PUT", f"{one['resourceType']}/{one['id']}", one) for one in resources]
    answer = await server.ehr.transaction(*entries)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("Patient?_include=Patient:organization", {"p", "low"}),
        ("Patient?_include=Patient:organization:Organization", {"p", "low"}),
        ("Patient?_include=*", {"p", "low"}),
        (
            "Patient?_include=Patient:organization&_include:iterate=Organization:partof",
            {"p", "low", "mid", "top"},
        ),
        ("Patient?_include=Patient:organization&_include=Patient:general-practitioner", {"p", "low"}),
        ("Patient?_revinclude=Observation:subject", {"p", "o"}),
        ("Patient?_revinclude=Observation:patient&_revinclude=Encounter:subject", {"p", "o", "e"}),
        ("Patient?_revinclude=Encounter:subject&_revinclude:iterate=Observation:encounter", {"p", "e", "o"}),
        ("Encounter?_include=Encounter:subject&_include:iterate=Patient:organization", {"e", "p", "low"}),
        ("Organization?_id=top&_revinclude:iterate=Organization:partof", {"top", "mid", "low"}),
    ],
)
async def test_includes(server: Facade, query: str, found: set[str]) -> None:
    await family(server)
    bundle = (await server.ehr.get(query)).json()
    ids = [one["resource"]["id"] for one in bundle["entry"]]
    assert set(ids) == found
    assert len(ids) == len(found)
    matches = [one for one in bundle["entry"] if one["search"]["mode"] == "match"]
    assert len(matches) == bundle["total"] == 1


async def questions(server: Facade) -> None:
    forms = [
        {
            "resourceType": "Questionnaire",
            "id": f"q{n}",
            "url": "http://acme.org/q",
            "version": n,
            "status": "active",
        }
        for n in ("1", "2")
    ]
    answers = [
        {"resourceType": "QuestionnaireResponse", "id": id, "status": "completed", "questionnaire": url}
        for id, url in (
            ("any", "http://acme.org/q"),
            ("two", "http://acme.org/q|2"),
            ("other", "http://acme.org/x"),
        )
    ]
    entries = [entry("PUT", f"{one['resourceType']}/{one['id']}", one) for one in (*forms, *answers)]
    assert (await server.ehr.transaction(*entries)).status_code == 200


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("QuestionnaireResponse?_id=any&_include=QuestionnaireResponse:questionnaire", ["any", "q1", "q2"]),
        ("QuestionnaireResponse?_id=two&_include=QuestionnaireResponse:questionnaire", ["two", "q2"]),
        ("QuestionnaireResponse?_id=other&_include=*", ["other"]),
        ("QuestionnaireResponse?questionnaire:Questionnaire.version=2&_sort=_id", ["any", "two"]),
        ("Questionnaire?_id=q1&_revinclude=QuestionnaireResponse:questionnaire", ["q1", "any"]),
        ("Questionnaire?_id=q2&_revinclude=QuestionnaireResponse:*", ["q2", "any", "two"]),
    ],
)
async def test_canonical_urls_are_followed(server: Facade, query: str, found: list[str]) -> None:
    await questions(server)
    assert sorted(await server.ehr.ids(query)) == sorted(found)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("QuestionnaireResponse?questionnaire=Questionnaire/q1", ["here"]),
        (f"QuestionnaireResponse?questionnaire={BASE}/Questionnaire/q1", ["here"]),
        (f"QuestionnaireResponse?questionnaire={BASE}/Questionnaire/q2", []),
        ("QuestionnaireResponse?_id=here&_include=QuestionnaireResponse:questionnaire", ["here", "q1"]),
        (
            "Questionnaire?_id=q1&_revinclude=QuestionnaireResponse:questionnaire",
            ["q1", "any", "here"],
        ),
    ],
)
async def test_a_canonical_may_be_a_place_on_this_server(
    server: Facade, query: str, found: list[str]
) -> None:
    await questions(server)
    here = {"resourceType": "QuestionnaireResponse", "id": "here", "status": "completed"}
    await server.ehr.put({**here, "questionnaire": f"{BASE}/Questionnaire/q1"})
    assert (await server.ehr.get("QuestionnaireResponse/here")).json()["questionnaire"].startswith(BASE)
    assert sorted(await server.ehr.ids(query)) == sorted(found)


async def test_everything_that_refers_to_a_match(server: Facade) -> None:
    await family(server)
    bundle = (await server.ehr.get("Patient?_revinclude=*")).json()
    types = [one["resource"]["resourceType"] for one in bundle["entry"]]
    assert {"Patient", "Observation", "Encounter", "Provenance"} == set(types)


async def test_what_is_cut_off_is_said(server: Facade, monkeypatch: pytest.MonkeyPatch) -> None:
    await family(server)
    monkeypatch.setattr("fhirserver.interactions.included.MAX_INCLUDED", 1)
    bundle = (
        await server.ehr.get("Patient?_revinclude=Observation:patient&_revinclude=Encounter:subject")
    ).json()
    assert [one["search"]["mode"] for one in bundle["entry"]] == ["match", "include", "outcome"]
    assert bundle["entry"][2]["resource"]["issue"][0]["code"] == "too-costly"
    assert bundle["total"] == 1


async def test_a_deleted_target_is_not_included(server: Facade) -> None:
    await family(server)
    await server.ehr("DELETE", "Organization/low")
    assert await server.ehr.ids("Patient?_include=Patient:organization") == ["p"]


async def test_any_encoding_of_the_same_query(server: Facade) -> None:
    await server.ehr.put(patient("p", name=[{"family": "Åström & Søn, Ltd"}]))
    for query in (
        "name=%C3%85str%C3%B6m",
        "name=astrom",
        "name=Åström",
        "%6Eame=astrom",
        "name=astrom+%26",
        "name:exact=%C3%85str%C3%B6m%20%26%20S%C3%B8n%5C%2C%20Ltd",
        "&&name=astrom&",
        "_format=json&name=astrom&_pretty=true",
        "_format=application/fhir%2Bjson&name=astrom",
        "_format=application/fhir+json&name=astrom",
    ):
        assert await server.ehr.ids(f"Patient?{query}") == ["p"], query
    for wrong in ("name=%FF", "name=%C3%28"):
        answer = await server.ehr.get(f"Patient?{wrong}")
        assert (answer.status_code, expressions(answer)) == (400, ["http.url"])
    assert await server.ehr.ids("Patient?name=astrom,nobody&name:contains=søn") == ["p"]
    assert await server.ehr.ids("Patient?name=astrom&name=nobody") == []


async def test_operators_see_how_a_search_is_answered(server: Facade) -> None:
    await fill(server, 1)
    url = "Patient?birthdate=ge1950-01-01&name:missing=false&_explain=true"
    bundle = (await server.ana.get(url)).json()
    lines = [one["diagnostics"] for one in bundle["entry"][-1]["resource"]["issue"]]
    assert lines[:2] == ["And", "  DateIs param=birthdate prefix=ge"]
    assert "tested" in lines[-1]  # by the memory storage
    assert "1950" not in "".join(lines)
    refused = await server.ehr.get(url)
    assert refused.status_code == 403


async def test_contained_resources_are_not_searched_for_unless_asked(server: Facade) -> None:
    await fill(server, 1)
    assert (await server.ehr.get("Patient?_contained=false")).json()["total"] == 1
    assert (await server.ehr.get("Patient?_contained=true")).json()["total"] == 0
    assert expressions(await server.ehr.get("Patient?_contained=x")) == ["http._contained"]


async def test_a_summary_of_text_has_no_includes(server: Facade) -> None:
    answer = await server.ehr.get("Patient?_summary=text&_include=Patient:organization")
    assert answer.status_code == 400
    assert expressions(answer) == ["http._summary"]


async def test_the_self_link_says_how_many_are_answered(tmp_path: Path) -> None:
    async with facade(tmp_path, limits={"max_count": 2}) as server:
        for id in ("a", "b", "c"):
            await server.ehr.put(patient(id))
        bundle = (await server.ehr.get("Patient?_count=5000")).json()
    links = {link["relation"]: link["url"] for link in bundle["link"]}
    assert len(bundle["entry"]) == 2
    assert links["self"] == f"{BASE}/Patient?_count=2"
    assert "_count=2&" in links["next"]
