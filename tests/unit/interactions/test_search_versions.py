"""Versions in references and canonicals. https://hl7.org/fhir/R4/search.html#versions"""

from __future__ import annotations

from pathlib import Path

import pytest

from fhirserver.kernel.json import JsonObject
from tests.facade import BASE, Facade, entry, facade, patient


def _form(id: str, version: str, **members: object) -> JsonObject:
    form = {"resourceType": "Questionnaire", "id": id, "url": "http://acme.org/q", "version": version}
    return {**form, "name": f"Form{version}", "title": f"Form {version}", "status": "active", **members}


def _answer(id: str, questionnaire: str) -> JsonObject:
    made = {"resourceType": "QuestionnaireResponse", "id": id, "status": "completed"}
    return {**made, "questionnaire": questionnaire}


RESOURCES = (
    _form("one", "1.0"),
    _form("eleven", "1.1"),
    _form("two", "2.0"),
    _form("own", "7", url=f"{BASE}/Questionnaire/own"),
    _answer("any", "http://acme.org/q"),
    _answer("first", "http://acme.org/q|1.0"),
    _answer("second", "http://acme.org/q|2.0"),
    _answer("tenth", "http://acme.org/q|10"),
    _answer("here", f"{BASE}/Questionnaire/own"),
)


@pytest.fixture(params=["memory", "sqlite"])
async def server(request: pytest.FixtureRequest, tmp_path: Path):  # type: ignore[no-untyped-def]
    async with facade(tmp_path, request.param) as running:
        entries = [entry("PUT", f"{one['resourceType']}/{one['id']}", one) for one in RESOURCES]
        assert (await running.ehr.transaction(*entries)).status_code == 200
        yield running


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("Questionnaire?url=http://acme.org/q", "eleven one two"),
        ("Questionnaire?url=http://acme.org/q|1.0", "one"),
        ("Questionnaire?url=http://acme.org/q|1", ""),
        ("Questionnaire?url:below=http://acme.org/q|1", "eleven one"),
        ("QuestionnaireResponse?questionnaire=http://acme.org/q", "any first second tenth"),
        ("QuestionnaireResponse?questionnaire=http://acme.org/q|1.0", "first"),
        ("QuestionnaireResponse?questionnaire=http://acme.org/q|1", ""),
        ("QuestionnaireResponse?questionnaire:below=http://acme.org/q", "any first second tenth"),
        ("QuestionnaireResponse?questionnaire:below=http://acme.org/q|1", "first"),
        ("QuestionnaireResponse?questionnaire:below=http://acme.org/q|1.0", "first"),
        ("QuestionnaireResponse?questionnaire.version=1.0", "any first"),
        ("QuestionnaireResponse?questionnaire:Questionnaire.name=Form2.0", "any second"),
        ("QuestionnaireResponse?questionnaire.name=Form7", "here"),
        (f"QuestionnaireResponse?questionnaire={BASE}/Questionnaire/own", "here"),
        ("Questionnaire?_has:QuestionnaireResponse:questionnaire:_id=first", "one"),
        ("Questionnaire?_has:QuestionnaireResponse:questionnaire:_id=any", "eleven one two"),
        ("Questionnaire?_has:QuestionnaireResponse:questionnaire:_id=here", "own"),
        ("Questionnaire?_id=two&_revinclude=QuestionnaireResponse:questionnaire", "any second two"),
    ],
)
async def test_canonicals(server: Facade, query: str, found: str) -> None:
    assert sorted(await server.ehr.ids(query)) == found.split()


async def _about_versions(server: Facade) -> None:
    await server.ehr.put(patient("p"))
    await server.ehr.put(patient("p", gender="female"))
    for id, reference in (
        ("old", "Patient/p/_history/1"),
        ("new", f"{BASE}/Patient/p/_history/2"),
        ("plain", "Patient/p"),
    ):
        basic = {
            "resourceType": "Basic",
            "id": id,
            "code": {"text": "note"},
            "subject": {"reference": reference},
        }
        assert (await server.ehr.put(basic)).status_code == 201


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("Patient/p", "new old plain"),
        ("p", "new old plain"),
        ("Patient/p/_history/1", "old"),
        ("Patient/p/_history/2", "new"),
        (f"{BASE}/Patient/p/_history/2", "new"),
        ("Patient/p/_history/3", ""),
    ],
)
async def test_references_to_versions(server: Facade, value: str, found: str) -> None:
    await _about_versions(server)
    assert sorted(await server.ehr.ids(f"Basic?subject={value}")) == found.split()


async def test_the_version_that_is_referred_to_is_included(server: Facade) -> None:
    await _about_versions(server)
    for id, versions in (("old", ["1"]), ("new", ["2"]), ("old,new", ["1", "2"]), ("old,plain", ["1", "2"])):
        bundle = (await server.ehr.get(f"Basic?_id={id}&_include=Basic:subject")).json()
        included = [one["resource"] for one in bundle["entry"] if one["search"]["mode"] == "include"]
        assert sorted(one["meta"]["versionId"] for one in included) == versions


async def test_a_chain_along_a_version_says_that_it_looked_at_another(server: Facade) -> None:
    await _about_versions(server)
    bundle = (await server.ehr.get("Basic?subject:Patient.gender=female&_sort=_id")).json()
    *matches, outcome = bundle["entry"]
    assert [one["resource"]["id"] for one in matches] == ["new", "old", "plain"]
    assert outcome["search"]["mode"] == "outcome" and bundle["total"] == 3
    (issue,) = outcome["resource"]["issue"]
    assert (issue["severity"], issue["expression"]) == ("warning", ["http.subject"])
    plain = (await server.ehr.get("Basic?_id=plain&subject:Patient.gender=female")).json()
    assert [one["search"]["mode"] for one in plain["entry"]] == ["match"]
