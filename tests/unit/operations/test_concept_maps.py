"""``ConceptMap/$translate`` and ``NamingSystem/$preferred-id``, over the whole server."""

from __future__ import annotations

from typing import Any

import pytest

from fhirserver.kernel.json import JsonObject, loads
from fhirserver.model.validation import validate
from tests.facade import Facade
from tests.unit.terminology.concept_maps.shelves import concept_map, element, group

A, B = "http://a.example", "http://b.example"
URL = "http://m.example/ConceptMap/ab"
PATH = "ConceptMap/$translate"


def asked(**inputs: object) -> JsonObject:
    """A Parameters; names are written with the type of their value: ``coding_Coding``."""
    parameters: list[JsonObject] = []
    for name, value in inputs.items():
        code, _, kind = name.partition("_")
        member = {"resource": "resource", "part": "part"}.get(kind, f"value{kind}")
        parameters.append({"name": code, member: value})
    return {"resourceType": "Parameters", "parameter": parameters}


def values(parameters: JsonObject, name: str) -> list[Any]:
    """Bare values; of one with parts, its parts by name."""
    found: list[Any] = []
    for one in parameters.get("parameter", ()):
        if one["name"] == name:
            bare = [value for key, value in one.items() if key.startswith("value")]
            found.append(bare[0] if bare else _parts(one["part"]))
    return found


def _parts(parts: list[JsonObject]) -> dict[str, Any]:
    return {
        one["name"]: next((v for k, v in one.items() if k.startswith("value")), one.get("part"))
        for one in parts
    }


def stored(**more: object) -> JsonObject:
    """A valid ConceptMap."""
    depends = {"code": "z", "dependsOn": [{"property": "urn:age", "system": B, "value": "old"}]}
    of = group(
        A, B, element("x", ("y", "wider")), element("n", {"equivalence": "unmatched"}), element("d", depends)
    )
    return {**concept_map(URL, of), "id": "ab", "version": "1", "name": "AB", **more}


def told(code: str) -> JsonObject:
    """By which map a code was translated."""
    return {"source": f"{URL}|1", "originMap": f"{URL}|1", "sourceConcept": {"system": A, "code": code}}


async def translated(server: Facade, query: str, path: str = PATH) -> JsonObject:
    answer = await server.reader.get(f"{path}?{query}")
    assert answer.status_code == 200, answer.text
    found: JsonObject = loads(answer.content)
    assert [issue for issue in validate(found) if issue.severity == "error"] == []
    return found


async def test_translate_in_every_way(server: Facade) -> None:
    assert (await server.ehr.put(stored())).status_code == 201
    whole = {"equivalence": "wider", "concept": {"system": B, "code": "y"}, **told("x")}
    one = f"system={A}&code=x"
    for query, path in (
        (f"url={URL}&{one}", PATH),
        (f"url={URL}|1&{one}", PATH),
        (f"url={URL}&conceptMapVersion=1&{one}", PATH),
        (one, PATH),
        (f"{one}&targetsystem={B}", PATH),
        (one, "ConceptMap/ab/$translate"),
        (f"url={URL}&sourceCode=x&system={A}", PATH),
    ):
        found = await translated(server, query, path)
        assert values(found, "result") == [True]
        assert values(found, "match") == [whole]
    coding = {"system": A, "code": "x"}
    for body in (
        asked(url_Uri=URL, coding_Coding=coding),
        asked(url_Uri=URL, codeableConcept_CodeableConcept={"coding": [{"code": "?"}, coding]}),
        asked(conceptMap_resource=stored(), coding_Coding=coding),
        asked(url_Uri=URL, code_Code="x", system_Uri=A),
    ):
        answer = await server.reader("POST", PATH, body)
        assert answer.status_code == 200, answer.text
        assert values(loads(answer.content), "match") == [whole], body
    unmatched = await translated(server, f"system={A}&code=n")
    assert values(unmatched, "result") == [False]
    assert values(unmatched, "match") == [{"noMap": True, **told("n")}]
    assert values(unmatched, "message") == []
    assert values(await translated(server, f"system={A}&code=none"), "message")


async def test_translate_in_a_batch_and_backwards(server: Facade) -> None:
    await server.ehr.put(stored())
    query = f"system={B}&code=y&reverse=true&targetsystem={A}"
    answer = await server.reader.batch({"request": {"method": "GET", "url": f"{PATH}?{query}"}})
    (entry,) = loads(answer.content)["entry"]
    (match,) = values(entry["resource"], "match")
    assert (match["equivalence"], match["concept"]) == ("narrower", {"system": A, "code": "x"})
    r5 = asked(sourceSystem_Uri=A, targetCode_Code="y", targetSystem_Uri=B)
    (match,) = values(loads((await server.reader("POST", PATH, r5)).content), "match")
    assert match == {
        "equivalence": "wider",
        "concept": {"system": B, "code": "y"},
        **told("x"),
    }
    other = asked(system_Uri=A, targetcode_Code="y", targetsystem_Uri=B)
    assert values(loads((await server.reader("POST", PATH, other)).content), "match") == [match]


async def test_what_the_map_says_of_both_sides_and_of_codes_it_is_not_for(server: Facade) -> None:
    comment = "http://hl7.org/fhir/6.0/StructureDefinition/extension-ConceptMap.group.element.comment"
    x = {**element("x", {"code": "y", "equivalence": "equal", "comment": "there"})}
    x["extension"] = [{"url": comment, "valueString": "here"}]
    of = {**group(A, B, x), "unmapped": {"mode": "fixed", "code": "other"}}
    await server.ehr.put({**stored(group=[of]), "sourceUri": "http://vs.example/s"})
    listed = {"include": [{"system": A, "concept": [{"code": "x"}, {"code": "z"}]}]}
    value_set = {"resourceType": "ValueSet", "id": "s", "url": "http://vs.example/s", "status": "active"}
    codes = {"resourceType": "CodeSystem", "id": "a", "url": A, "status": "active", "content": "complete"}
    await server.ehr.put({**value_set, "compose": listed})
    await server.ehr.put({**codes, "concept": [{"code": code} for code in "xzq"]})
    (match,) = values(await translated(server, f"system={A}&code=x"), "match")
    assert (match["sourceComment"], match["targetComment"]) == ("here", "there")
    assert values(await translated(server, f"system={A}&code=z"), "result") == [True]
    outside = await translated(server, f"system={A}&code=q")
    assert values(outside, "result") == [False] and values(outside, "match") == []
    (message,) = values(outside, "message")
    assert "not in the source value set" in message and message.endswith(": q")


async def test_translate_with_dependencies(server: Facade) -> None:
    await server.ehr.put(stored())
    parts = [
        {"name": "element", "valueUri": "urn:age"},
        {"name": "concept", "valueCodeableConcept": {"coding": [{"system": B, "code": "old"}]}},
    ]
    body = asked(url_Uri=URL, coding_Coding={"system": A, "code": "d"}, dependency_part=parts)
    assert values(loads((await server.reader("POST", PATH, body)).content), "result") == [True]
    without = await translated(server, f"url={URL}&system={A}&code=d")
    assert values(without, "result") == [False] and "urn:age" in values(without, "message")[0]


async def test_a_system_may_be_named_by_its_oid(server: Facade) -> None:
    use = "urn:oid:2.16.840.1.113883.4.642.4.68"
    name = await server.reader.get("NamingSystem/$preferred-id?id=http://hl7.org/fhir/address-use&type=oid")
    use = f"urn:oid:{values(loads(name.content), 'result')[0]}"
    found = await translated(server, f"url=http://hl7.org/fhir/ConceptMap/101&system={use}&code=home")
    assert values(found, "result") == [True]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        (f"url={URL}", 400),
        (f"url={URL}&code=x", 400),
        (f"url={URL}&code=x&system={A}&sourceCode=y", 400),
        (f"conceptMapVersion=1&code=x&system={A}", 400),
        (f"url={URL}&code=x&system={A}&reverse=perhaps", 400),
        (f"url={URL}&code=x&system={A}&targetsystem={B}&targetSystem={B}", 400),
        (f"url={URL}|7&code=x&system={A}", 404),
        (f"url=urn:none&code=x&system={A}", 404),
        (f"url={URL}&code=x&system={A}&source=ValueSet/none", 404),
        (f"url={URL}&code=x&system={A}&further=1", 400),
    ],
)
async def test_what_translate_refuses(server: Facade, query: str, status: int) -> None:
    await server.ehr.put(stored())
    answer = await server.reader.get(f"{PATH}?{query}")
    assert answer.status_code == status, answer.text
    assert (await server.reader.get(f"ConceptMap/none/$translate?code=x&system={A}")).status_code == 404


async def test_a_value_set_may_be_named_by_where_it_is_stored(server: Facade) -> None:
    await server.ehr.put(stored(sourceUri="http://vs.example/s"))
    value_set = {"resourceType": "ValueSet", "id": "s", "url": "http://vs.example/s", "status": "active"}
    await server.ehr.put(value_set)
    await server.ehr.put({**value_set, "id": "o", "url": "http://vs.example/o"})
    for name, result in (
        ("ValueSet/s", True),
        ("s", True),
        ("http://vs.example/s", True),
        ("http://facade.test/fhir/ValueSet/s", True),
        ("ValueSet/o", False),
    ):
        found = await translated(server, f"url={URL}&code=x&system={A}&source={name}")
        assert values(found, "result") == [result], name


async def test_what_is_stored_counts_at_once(server: Facade) -> None:
    await server.ehr.put(stored())
    query = f"system={A}&code=x"
    assert values(await translated(server, query), "result") == [True]
    await server.ehr.put({**stored(), "group": [group(A, B, element("x", "new"))]})
    (match,) = values(await translated(server, query), "match")
    assert match["concept"]["code"] == "new"
    await server.ehr("DELETE", "ConceptMap/ab")
    assert values(await translated(server, query), "result") == [False]


async def test_preferred_id(server: Facade) -> None:
    path = "NamingSystem/$preferred-id"
    for id, type, name in (
        ("2.16.840.1.113883.6.1", "uri", "http://loinc.org"),
        ("urn:oid:2.16.840.1.113883.6.1", "uri", "http://loinc.org"),
        ("http://loinc.org", "oid", "2.16.840.1.113883.6.1"),
        ("LN", "uri", "http://loinc.org"),
        ("http://snomed.info/sct", "other", "SCT"),
        ("2.16.840.1.113883.6.96", "uri", "http://snomed.info/sct"),
        ("HL70001", "uri", "http://terminology.hl7.org/CodeSystem/v2-0001"),
    ):
        answer = await server.reader.get(f"{path}?id={id}&type={type}")
        assert values(loads(answer.content), "result") == [name], id
    for query, status in (
        ("id=1.2.3&type=uri", 404),
        ("id=http://loinc.org&type=uuid", 404),
        ("id=http://loinc.org&type=name", 400),
        ("type=uri", 400),
        ("id=http://loinc.org", 400),
    ):
        assert (await server.reader.get(f"{path}?{query}")).status_code == status, query
    own = {
        "resourceType": "NamingSystem",
        "id": "own",
        "name": "Own",
        "status": "active",
        "kind": "identifier",
        "date": "2026-01-01",
        "uniqueId": [
            {"type": "uri", "value": "http://own.example/mrn", "preferred": True},
            {"type": "uri", "value": "http://old.example/mrn", "period": {"end": "2020"}},
            {"type": "oid", "value": "1.2.3"},
            {"type": "oid", "value": "1.2.4"},
            {"type": "uuid", "value": "C757873D-EC9A-4326-A141-556F43239520"},
        ],
    }
    assert (await server.ehr.put(own)).status_code == 201
    for id in ("1.2.3", "urn:oid:1.2.4", "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"):
        answer = await server.reader.get(f"{path}?id={id}&type=uri")
        assert values(loads(answer.content), "result") == ["http://own.example/mrn"], id
    assert (await server.reader.get(f"{path}?id=http://own.example/mrn&type=oid")).status_code == 422
    assert (await server.reader.get(f"{path}?id=http://old.example/mrn&type=uri")).status_code == 404


async def test_a_map_that_the_request_brings_along(server: Facade) -> None:
    brought = stored(id="brought", url="http://m.example/ConceptMap/brought")
    body = asked(url_Uri=brought["url"], coding_Coding={"system": A, "code": "x"})
    body["parameter"] += [
        {"name": "tx-resource", "resource": brought},
        {"name": "cache-id", "valueId": "c1"},
    ]
    assert values(loads((await server.reader("POST", PATH, body)).content), "result") == [True]
    body["parameter"] = [one for one in body["parameter"] if one["name"] != "tx-resource"]
    assert values(loads((await server.reader("POST", PATH, body)).content), "result") == [True]
    body["parameter"] = [one for one in body["parameter"] if one["name"] != "cache-id"]
    assert (await server.reader("POST", PATH, body)).status_code == 404
