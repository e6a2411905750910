"""Patient/$match over the whole server. https://hl7.org/fhir/R4/patient-operation-match.html"""

from __future__ import annotations

from typing import Any

import pytest

from fhirserver.kernel.json import JsonObject
from tests.facade import Facade, expressions, issues

GRADE = "http://hl7.org/fhir/StructureDefinition/match-grade"
EXPLANATION = "https://credence.health/fhir/StructureDefinition/match-explanation"
SSN = "http://hl7.org/fhir/sid/us-ssn"


def person(**members: Any) -> JsonObject:
    """Maria, as everything about her is known."""
    whole = {
        "resourceType": "Patient",
        "identifier": [{"system": SSN, "value": "123-45-6780"}],
        "name": [{"family": "Alvarez", "given": ["Maria"]}],
        "birthDate": "1999-06-01",
        "gender": "female",
        "telecom": [{"system": "phone", "value": "+15559697967"}],
        "address": [{"line": ["6 Maltby Circuit"], "city": "Springfield", "postalCode": "01103"}],
        **members,
    }
    return {name: value for name, value in whole.items() if value != []}


def asking(resource: JsonObject, **values: Any) -> JsonObject:
    given: list[JsonObject] = [{"name": "resource", "resource": resource}]
    for name, value in values.items():
        given.append({"name": name, "valueBoolean" if isinstance(value, bool) else "valueInteger": value})
    return {"resourceType": "Parameters", "parameter": given}


async def match(server: Facade, body: JsonObject, path: str = "Patient/$match") -> list[JsonObject]:
    answer = await server.reader("POST", path, body)
    assert answer.status_code == 200, answer.text
    bundle = answer.json()
    assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "searchset")
    assert bundle["total"] == len(bundle.get("entry", []))
    return list(bundle.get("entry", []))


def graded(entries: list[JsonObject]) -> list[tuple[str, str]]:
    return [(e["resource"]["id"], extension(e, GRADE)) for e in entries]


def extension(entry: JsonObject, url: str) -> str:
    found = next(one for one in entry["search"]["extension"] if one["url"] == url)
    return str(found.get("valueCode") or found.get("valueString"))


@pytest.fixture
async def known(server: Facade) -> Facade:
    sister = person(name=[{"family": "Alvarez", "given": ["Sofia"]}], birthDate="2003-01-30", identifier=[])
    married = person(name=[{"family": "Brinsmead", "given": ["Maria"]}], identifier=[], address=[])
    stranger = person(
        name=[{"family": "Okafor", "given": ["Ada"]}],
        birthDate="1960-02-02",
        identifier=[],
        telecom=[],
        address=[],
    )
    for id, one in (("maria", person()), ("sofia", sister), ("married", married), ("ada", stranger)):
        assert (await server.ehr.put({**one, "id": id})).status_code == 201
    return server


async def test_best_first_with_score_grade_and_explanation(known: Facade) -> None:
    entries = await match(known, asking(person()))
    assert graded(entries) == [("maria", "certain"), ("married", "probable")]
    scores = [entry["search"]["score"] for entry in entries]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score <= 1 for score in scores)
    assert entries[0]["search"]["mode"] == "match"
    assert "identifier same +29.7" in extension(entries[0], EXPLANATION)
    assert "alvarez" not in extension(entries[0], EXPLANATION).lower()


async def test_the_patient_may_be_the_body_itself(known: Facade) -> None:
    entries = await match(known, person(identifier=[]), "Patient/$match?count=1")
    assert graded(entries) == [("maria", "certain")]


async def test_only_certain_matches(known: Facade) -> None:
    assert graded(await match(known, asking(person(), onlyCertainMatches=True))) == [("maria", "certain")]
    doubtful = person(identifier=[], birthDate="1983-11-20")
    assert await match(known, asking(doubtful, onlyCertainMatches=True)) == []
    assert (await known.ehr.put({**person(), "id": "again"})).status_code == 201
    assert await match(known, asking(person(), onlyCertainMatches=True)) == [], "two are certain: none is"


async def test_no_match_is_an_empty_bundle(known: Facade) -> None:
    nobody = {"resourceType": "Patient", "name": [{"family": "Zzyzx", "given": ["Quentin"]}]}
    assert await match(known, asking(nobody)) == []


async def test_what_was_merged_into_another_is_no_match(known: Facade) -> None:
    link = {"other": {"reference": "Patient/maria"}, "type": "replaced-by"}
    await known.ehr.put({**person(), "id": "old", "active": False, "link": [link]})
    assert ("old", "certain") not in graded(await match(known, asking(person())))


@pytest.mark.parametrize(
    ("body", "status", "place"),
    [
        ({"resourceType": "Parameters"}, 400, "Parameters.parameter.where(name='resource')"),
        (asking({"resourceType": "Practitioner"}), 422, "Parameters.parameter[0].resource.resourceType"),
        ({"resourceType": "Practitioner"}, 400, "resourceType"),
        (asking({"resourceType": "Patient"}), 422, "Parameters.parameter[0].resource"),
        ({"resourceType": "Patient"}, 422, "Patient"),
        (asking(person(birthDate="soon")), 400, "Parameters.parameter[0].resource.birthDate"),
        (person(birthDate="soon"), 400, "Patient.birthDate"),
        (asking(person(), count=0), 400, "Parameters.parameter[1]"),
        (asking(person(), limit=3), 400, "Parameters.parameter[1]"),
        (asking(person(), onlyCertainMatches=1), 400, "Parameters.parameter[1]"),
    ],
)
async def test_refused(server: Facade, body: JsonObject, status: int, place: str) -> None:
    answer = await server.reader("POST", "Patient/$match", body)
    assert (answer.status_code, expressions(answer)) == (status, [place])
    assert issues(answer)[0]["severity"] == "error"


async def test_a_get_says_what_is_missing(server: Facade) -> None:
    answer = await server.reader.get("Patient/$match")
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "written", ["(555) 969-7967", "555-969-7967", "5559697967", "+1 555 969 7967", "1-555-969-7967"]
)
async def test_a_phone_number_is_found_however_it_is_written(known: Facade, written: str) -> None:
    other = {
        "resourceType": "Patient",
        "name": [{"family": "Alvarez", "given": ["Maria"]}],
        "telecom": [{"system": "phone", "value": written}],
    }
    assert ("maria", "probable") in graded(await match(known, other))
