"""The OpenAPI description is valid, says all that the registry routes and nothing else, and is not open."""

from __future__ import annotations

import pytest
from openapi_spec_validator import validate

from fhirserver.interactions.all import full_registry
from fhirserver.interactions.openapi.document import PATHS, openapi_document
from fhirserver.kernel.json import JsonObject
from fhirserver.model.definitions import definitions
from fhirserver.operations.all import all_operations
from fhirserver.search.parameters import searchable
from tests.facade import Facade, expressions, issues

REGISTRY = full_registry(all_operations())
TYPES = ("Patient", "Task", "ValueSet", "CodeSystem")
OPERATION_PATHS = {
    "system": "/",
    "type": "/{type}/",
    "instance": "/{type}/{id}/",
    "version": "/{type}/{id}/_history/{vid}/",
}
_OWN = {("/metadata", "get"), ("/openapi.json", "get")}


@pytest.fixture(scope="module")
def described() -> JsonObject:
    return openapi_document(REGISTRY, "http://described.test/fhir", "1.2.3", TYPES)


def routes(document: JsonObject) -> set[tuple[str, str]]:
    return {
        (path, method)
        for path, item in document["paths"].items()
        for method in item
        if method not in ("parameters", "summary", "description")
    }


def test_it_is_valid_openapi(described: JsonObject) -> None:
    validate(described)


def test_every_interaction_is_described(described: JsonObject) -> None:
    assert {one.level for one in REGISTRY.interactions} <= PATHS.keys(), "teach openapi/document.py the level"
    expected = {
        (PATHS[one.level].replace("{type}", type), one.method.lower())
        for one in REGISTRY.interactions
        for type in TYPES
        if "{compartment}" not in PATHS[one.level]
    }
    expected |= {("/Patient/{id}/Patient", "get"), ("/Patient/{id}/Patient/_search", "post")}
    assert expected <= routes(described)


@pytest.mark.parametrize(("path", "answers"), [("$withdraw", "Resource"), ("$lineage", "Parameters")])
def test_an_operation_answers_with_what_it_returns(described: JsonObject, path: str, answers: str) -> None:
    answer = described["paths"][f"/Patient/{{id}}/{path}"]["post"]["responses"]["200"]
    schema = answer["content"]["application/fhir+json"]["schema"]
    assert schema == {"$ref": f"#/components/schemas/{answers}"}


def test_every_operation_is_described_where_it_may_be_invoked(described: JsonObject) -> None:
    told = {path for path, _ in routes(described)}
    for operation in REGISTRY.operations:
        paths = [
            f"{path}${operation.name}"
            for level in operation.levels
            for path in {
                OPERATION_PATHS[level].replace("{type}", type)
                for type in (TYPES if level != "system" else ("",))
                if operation.fits(level, type)
            }
        ]
        assert set(paths) <= told
    assert ("/Task/{id}/$approve", "get") not in routes(described), "it affects state"


def test_operation_ids_are_unique(described: JsonObject) -> None:
    ids = [described["paths"][path][method]["operationId"] for path, method in routes(described)]
    assert len(ids) == len(set(ids))


def test_every_search_parameter_is_described(described: JsonObject) -> None:
    parameters = described["components"]["parameters"]
    names = [one["$ref"].rpartition("/")[2] for one in described["paths"]["/Patient"]["get"]["parameters"]]
    assert {parameters[name]["name"] for name in names} >= searchable("Patient").keys()
    assert parameters["Patient.birthdate"]["x-fhir-type"] == "date"
    assert "exact" in parameters["Patient.family"]["x-fhir-modifiers"]
    assert "exact" not in parameters["Patient.birthdate"]["x-fhir-modifiers"]


async def test_every_described_route_is_routed(server: Facade, described: JsonObject) -> None:
    """Whatever else is wrong with a bare request, it is not that there is no such URL or method."""
    for path, method in sorted(routes(described)):
        answer = await server.ana(method.upper(), path[1:].replace("{id}", "none").replace("{vid}", "1"))
        assert answer.status_code < 500, (path, method, answer.text)
        if answer.status_code not in (404, 405):
            continue
        told = issues(answer)[0]
        assert told["code"] != "not-supported", (path, method, told)


async def test_it_is_served_to_those_who_may_read(server: Facade) -> None:
    assert (await server.anonymous.get("openapi.json")).status_code == 401
    answer = await server.reader.get("openapi.json?_type=Patient,Observation")
    assert answer.status_code == 200
    document = answer.json()
    assert document["openapi"] == "3.1.0"
    assert {path.split("/")[1] for path in document["paths"]} - {""} == {
        "Patient",
        "Observation",
        "metadata",
        "openapi.json",
        *(path.split("/")[1] for path in document["paths"] if path[1:2] in ("$", "_")),
    }
    assert (await server.reader("POST", "openapi.json", {})).status_code == 405


async def test_all_types_are_told_unless_asked_for_some(server: Facade) -> None:
    answer = await server.reader.get("openapi.json")
    assert {tag["name"] for tag in answer.json()["tags"]} == definitions().resource_types | {"system"}


@pytest.mark.parametrize("query", ["_type=Patiens", "_type=", "_types=Patient"])
async def test_what_it_does_not_take_is_refused(server: Facade, query: str) -> None:
    answer = await server.reader.get(f"openapi.json?{query}")
    assert answer.status_code == 400
    assert expressions(answer) == [f"http.{query.partition('=')[0]}"]
