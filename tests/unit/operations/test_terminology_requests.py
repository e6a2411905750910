"""Requests to the terminology over HTTP: matches, instances, kept resources, what is kept and what is never stale."""

from __future__ import annotations

from typing import Any

from fhirserver.kernel.json import JsonObject
from tests.facade import Facade

SYSTEM: JsonObject = {
    "resourceType": "CodeSystem",
    "id": "s",
    "url": "http://example.org/s",
    "version": "1",
    "status": "active",
    "content": "complete",
    "property": [{"code": "colour", "type": "code"}],
    "concept": [
        {"code": "a", "display": "A", "property": [{"code": "colour", "valueCode": "red"}]},
        {"code": "b", "display": "B", "property": [{"code": "colour", "valueCode": "blue"}]},
    ],
}
LOOKUP = "CodeSystem/$lookup?system=http://example.org/s&code=a"


def parameters(*parts: JsonObject) -> JsonObject:
    return {"resourceType": "Parameters", "parameter": [*parts]}


def values(answer: JsonObject, name: str) -> list[Any]:
    found = [one for one in answer["parameter"] if one["name"] == name]
    return [next(v for n, v in one.items() if n != "name") for one in found]


async def test_codes_are_looked_up_on_the_type_and_on_the_instance_and_in_a_batch(server: Facade) -> None:
    await server.ehr.put(SYSTEM)
    for url in (LOOKUP, "CodeSystem/s/$lookup?code=a"):
        answer = (await server.reader.get(url)).json()
        assert values(answer, "display") == ["A"] and values(answer, "abstract") == [False]
    entry = {"request": {"method": "GET", "url": LOOKUP}}
    batch = {"resourceType": "Bundle", "type": "batch", "entry": [entry]}
    answered = (await server.reader("POST", "", batch)).json()["entry"][0]["resource"]
    assert values(answered, "display") == ["A"]


async def test_an_answer_that_is_kept_is_never_stale(server: Facade) -> None:
    await server.ehr.put(SYSTEM)
    assert values((await server.reader.get(LOOKUP)).json(), "display") == ["A"]
    renamed = {**SYSTEM, "concept": [{"code": "a", "display": "Another"}]}
    await server.ehr.put(renamed)
    assert values((await server.reader.get(LOOKUP)).json(), "display") == ["Another"]
    await server.ehr("DELETE", "CodeSystem/s")
    assert (await server.reader.get(LOOKUP)).status_code == 404


async def test_codes_are_found_by_their_properties(server: Facade) -> None:
    await server.ehr.put(SYSTEM)
    wanted = {
        "name": "property",
        "part": [{"name": "code", "valueCode": "colour"}, {"name": "value", "valueCode": "blue"}],
    }
    system = {"name": "system", "valueUri": "http://example.org/s"}
    for path, given in (
        ("CodeSystem/$find-matches", [system, wanted]),
        ("CodeSystem/s/$find-matches", [wanted]),
    ):
        answer = (await server.reader("POST", path, parameters(*given))).json()
        assert [match[0]["valueCoding"]["code"] for match in values(answer, "match")] == ["b"]
    assert (await server.reader("POST", "CodeSystem/$find-matches", parameters(system))).status_code == 400


async def test_properties_that_are_nested_in_others(server: Facade) -> None:
    def extension(**values: str) -> JsonObject:
        parts = [{"url": name, "valueCode": value} for name, value in values.items()]
        return {"url": "http://hl7.org/fhir/StructureDefinition/codesystem-subproperty", "extension": parts}

    def concept(code: str, *nested: tuple[str, str]) -> JsonObject:
        inner = [extension(code=name, value=value) for name, value in nested]
        return {"code": code, "property": [{"code": "colour", "valueCode": "red", "extension": inner}]}

    dark, bright = ("shade", "dark"), ("shade", "bright")
    concepts = [concept("a", dark), concept("b", bright, ("gloss", "much")), concept("c", bright)]
    await server.ehr.put({**SYSTEM, "concept": concepts})

    async def found(value: str, *nested: tuple[str, str]) -> list[str]:
        inner: list[JsonObject] = [
            {
                "name": "subproperty",
                "part": [{"name": "code", "valueCode": name}, {"name": "value", "valueCode": v}],
            }
            for name, v in nested
        ]
        own = [
            {"name": "code", "valueCode": "colour"},
            *([{"name": "value", "valueCode": value}] if value else []),
        ]
        given = [{"name": "system", "valueUri": SYSTEM["url"]}, {"name": "property", "part": [*own, *inner]}]
        answer = await server.reader("POST", "CodeSystem/$find-matches", parameters(*given))
        assert answer.status_code == 200 if value or nested else 400
        return [
            match[0]["valueCoding"]["code"] for match in values({"parameter": [], **answer.json()}, "match")
        ]

    assert await found("red", bright) == await found("", bright) == ["b", "c"]
    assert await found("", bright, ("gloss", "much")) == ["b"]
    assert await found("blue", bright) == await found("", ("gloss", "none")) == await found("") == []


async def test_the_value_set_of_all_codes_of_a_system(server: Facade) -> None:
    url = {"name": "url", "valueUri": "http://example.org/all-of-s"}
    assert (await server.reader("POST", "ValueSet/$expand", parameters(url))).status_code == 404
    await server.ehr.put({**SYSTEM, "valueSet": "http://example.org/all-of-s"})
    answer = (await server.reader("POST", "ValueSet/$expand", parameters(url))).json()
    assert [one["code"] for one in answer["expansion"]["contains"]] == ["a", "b"]
    asked = "ValueSet/$validate-code?url=http://example.org/all-of-s&system=http://example.org/s&code="
    assert values((await server.reader.get(f"{asked}a")).json(), "result") == [True]
    assert values((await server.reader.get(f"{asked}z")).json(), "result") == [False]


async def test_what_a_request_brings_is_kept_under_its_id_for_its_principal_alone(server: Facade) -> None:
    await server.ehr.put(SYSTEM)
    brought = {**SYSTEM, "url": "http://example.org/brought"}
    url = {"name": "url", "valueUri": "http://example.org/brought?vs"}
    cache = {"name": "cache-id", "valueId": "one"}
    first = parameters(url, cache, {"name": "tx-resource", "resource": brought})
    assert (await server.reader("POST", "ValueSet/$expand", first)).json()["expansion"]["total"] == 2
    assert (await server.reader("POST", "ValueSet/$expand", parameters(url, cache))).json()["expansion"][
        "total"
    ] == 2
    assert (await server.reader("POST", "ValueSet/$expand", parameters(url))).status_code == 404
    assert (await server.ehr("POST", "ValueSet/$expand", parameters(url, cache))).status_code == 404


async def test_versions_of_fhir(server: Facade) -> None:
    answer = (await server.reader.get("$versions")).json()
    assert (values(answer, "version"), values(answer, "default")) == (["4.0"], ["4.0"])


async def test_a_filter_without_a_value_is_the_operations_matter(server: Facade) -> None:
    """Of the value set that is asked about it is refused in words that clients know; of another it matters not."""
    broken = {
        "resourceType": "ValueSet",
        "url": "http://example.org/broken",
        "status": "active",
        "compose": {
            "include": [{"system": SYSTEM["url"], "filter": [{"property": "concept", "op": "is-a"}]}]
        },
    }
    brought = [{"name": "tx-resource", "resource": one} for one in (SYSTEM, broken)]
    coding = {"name": "coding", "valueCoding": {"system": SYSTEM["url"], "code": "a"}}
    known = parameters({"name": "url", "valueUri": SYSTEM["url"]}, coding, *brought)
    assert values((await server.reader("POST", "CodeSystem/$validate-code", known)).json(), "result") == [
        True
    ]
    url = {"name": "url", "valueUri": broken["url"]}
    for operation, parts in (("$expand", [url]), ("$validate-code", [url, coding])):
        answer = await server.reader("POST", f"ValueSet/{operation}", parameters(*parts, *brought))
        issue = answer.json()["issue"][0]
        assert 400 <= answer.status_code < 500
        assert issue["extension"][0]["valueString"] == "UNABLE_TO_HANDLE_SYSTEM_FILTER_WITH_NO_VALUE"
        assert issue["expression"][0].startswith("ValueSet.compose.include[0].filter[0]")
    nameless = {**broken, "compose": {"include": [{"system": SYSTEM["url"], "concept": [{}]}]}}
    other = parameters(url, coding, {"name": "tx-resource", "resource": nameless})
    assert (await server.reader("POST", "ValueSet/$validate-code", other)).status_code == 400


async def test_a_flag_may_be_written_as_a_text(server: Facade) -> None:
    await server.ehr.put(SYSTEM)
    coding = {"name": "coding", "valueCoding": {"system": SYSTEM["url"], "code": "a", "display": "B"}}
    url = {"name": "url", "valueUri": SYSTEM["url"]}
    for flag, result in (
        ({"valueBoolean": "true"}, True),
        ({"valueUri": "true"}, True),
        ({"valueUri": True}, True),
        ({"valueBoolean": "false"}, False),
    ):
        body = parameters(url, coding, {"name": "lenient-display-validation", **flag})
        answer = await server.reader("POST", "CodeSystem/$validate-code", body)
        assert values(answer.json(), "result") == [result]
        within = {"name": "validation", "resource": body}
        answer = await server.reader("POST", "CodeSystem/$batch-validate-code", parameters(within))
        assert values(answer.json()["parameter"][0]["resource"], "result") == [result]
    body = parameters(url, coding, {"name": "lenient-display-validation", "valueBoolean": "perhaps"})
    assert (await server.reader("POST", "CodeSystem/$validate-code", body)).status_code == 400
