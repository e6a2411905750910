"""Every parameter of R4's terminology operations: taken or refused, as often and of the type that its definition says,
on every level, by GET and POST, in a batch and as XML."""

from __future__ import annotations

import pytest
from httpx import Response

from fhirserver.interactions.registry import Operation
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.model.definitions import definitions
from fhirserver.operations.mapping_operations import MAPPING
from fhirserver.operations.terminology_operations import TERMINOLOGY
from tests.facade import Facade, entry

DEFINITIONS = {
    name: definition
    for name in (
        *("CodeSystem-lookup", "CodeSystem-validate-code", "CodeSystem-subsumes", "CodeSystem-find-matches"),
        *("ValueSet-expand", "ValueSet-validate-code", "ConceptMap-translate", "ConceptMap-closure"),
    )
    if (definition := definitions().archive.by_url(f"http://hl7.org/fhir/OperationDefinition/{name}"))
}
INPUTS = [
    (name, parameter)
    for name, definition in DEFINITIONS.items()
    for parameter in definition["parameter"]
    if parameter["use"] == "in"
]
PRIMITIVE = {"code", "uri", "string", "boolean", "integer", "dateTime", "canonical"}
RIGHT = {"boolean": "true", "integer": "1", "dateTime": "2024"}
NOT_TAKEN = {
    ("CodeSystem-find-matches", "compositional"),
    *(("ValueSet-expand", one) for one in ("context", "contextDirection")),
    ("ValueSet-validate-code", "context"),
}
"""Refused by name: no system here is compositional, and a value set is named by its url."""


def operation(name: str) -> Operation:
    type, code = name.split("-", 1)
    return next(one for one in (*TERMINOLOGY, *MAPPING) if one.name == code and type in one.types)


def path(name: str, query: str = "") -> str:
    type, code = name.split("-", 1)
    return f"{type}/${code}{query}"


def about(answer: Response, name: str) -> bool:
    """Whether it is refused (400) with the parameter's name."""
    told = [f"{one.get('diagnostics')} {one.get('expression')}" for one in loads(answer.content)["issue"]]
    return answer.status_code == 400 and any(name in text for text in told)


@pytest.mark.parametrize("name", DEFINITIONS)
def test_the_levels_and_parameters_of_r4_are_there(name: str) -> None:
    definition, ours = DEFINITIONS[name], operation(name)
    levels = {level for level in ("system", "type", "instance") if definition[level]}
    assert levels <= set(ours.levels)
    for use in ("in", "out"):
        r4 = {one["name"]: one for one in definition["parameter"] if one["use"] == use}
        own = {one.name: one for one in ours.parameters if one.use == use}
        assert r4.keys() - own.keys() <= {one for of, one in NOT_TAKEN if of == name}
        for one in r4.keys() & own.keys():
            assert own[one].max == r4[one]["max"] and own[one].type in (r4[one].get("type", ""), "code")


@pytest.mark.parametrize(
    ("name", "parameter"), INPUTS, ids=lambda one: one if isinstance(one, str) else one["name"]
)
async def test_how_often_and_of_which_type(server: Facade, name: str, parameter: JsonObject) -> None:
    of, type = parameter["name"], parameter.get("type", "")
    one = {"name": of, "valueBase64Binary": "AAAA"}
    body = {"resourceType": "Parameters", "parameter": [one]}
    assert about(await server.ehr("POST", path(name), body), of)
    if name == "ConceptMap-closure":  # it changes what is kept: there is no GET
        return
    right = RIGHT.get(type, "x")
    if parameter["max"] == "1":
        assert about(await server.ehr.get(path(name, f"?{of}={right}&{of}={right}")), of)
    if type in RIGHT or type not in PRIMITIVE:
        assert about(await server.ehr.get(path(name, f"?{of}=wrong")), of)


async def test_in_a_batch_and_as_xml(server: Facade) -> None:
    query = "CodeSystem/$lookup?system=http://hl7.org/fhir/administrative-gender&code=male"
    answer = loads((await server.ehr.batch(entry("GET", query), entry("GET", query + "&code=x"))).content)
    assert [one["response"]["status"][:3] for one in answer["entry"]] == ["200", "400"]
    system = '<parameter><name value="system"/><valueUri value="http://hl7.org/fhir/administrative-gender"/></parameter>'
    code = '<parameter><name value="code"/><valueCode value="male"/></parameter>'
    body = f'<Parameters xmlns="http://hl7.org/fhir">{system}{code}</Parameters>'
    xml = "application/fhir+xml"
    posted = await server.ehr("POST", "CodeSystem/$lookup", body.encode(), xml, accept=xml)
    assert posted.status_code == 200 and '<valueString value="Male"/>' in posted.text


async def test_parts_that_are_not_there_are_refused(server: Facade) -> None:
    part = {"name": "nonsense", "valueCode": "x"}
    body = {"resourceType": "Parameters", "parameter": [{"name": "property", "part": [part]}]}
    assert about(await server.ehr("POST", "CodeSystem/$find-matches", body), "nonsense")


GENDER = {"system": "http://hl7.org/fhir/administrative-gender", "code": "male"}


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("CodeSystem/$lookup", ("code", "coding")),
        ("CodeSystem/$validate-code", ("code", "coding")),
        ("ValueSet/$validate-code", ("coding", "codeableConcept")),
        ("ConceptMap/$translate", ("code", "coding")),
        ("CodeSystem/$subsumes", ("codeA", "codingA")),
    ],
)
async def test_a_code_is_given_in_one_form(server: Facade, asked: str, names: tuple[str, str]) -> None:
    values = {"valueCode": "male"}, {"valueCoding": GENDER}, {"valueCodeableConcept": {"coding": [GENDER]}}
    forms = {"code": values[0], "codeA": values[0], "coding": values[1], "codingA": values[1]}
    given = [{"name": one, **forms.get(one, values[2])} for one in names]
    where = "system" if "lookup" in asked or "subsumes" in asked or "translate" in asked else "url"
    named = {"name": where, "valueUri": GENDER["system"]}
    body = {"resourceType": "Parameters", "parameter": [*given, named]}
    assert about(await server.ehr("POST", asked, body), names[0])


@pytest.mark.parametrize(
    "asked",
    [
        "ValueSet/administrative-gender/$expand?url=urn:other",
        "ValueSet/administrative-gender/$validate-code?code=male&url=urn:other",
        "ConceptMap/cm-address-use-v2/$translate?code=home&system=http://hl7.org/fhir/address-use&url=urn:other",
        "CodeSystem/v3-ActCode/$lookup?code=AMB&system=urn:other",
    ],
)
async def test_what_the_url_names_is_not_named_again(server: Facade, asked: str) -> None:
    assert about(await server.ehr.get(asked), "system" if "lookup" in asked else "url")


async def test_r4s_own_maps_are_asked_by_their_address(server: Facade) -> None:
    path = "ConceptMap/cm-address-use-v2/$translate?code=home&system=http://hl7.org/fhir/address-use"
    answer = loads((await server.ehr.get(path)).content)
    assert answer["parameter"][0] == {"name": "result", "valueBoolean": True}


async def test_a_code_system_may_be_given_itself(server: Facade) -> None:
    system = {"resourceType": "CodeSystem", "url": "urn:z", "status": "active", "content": "complete"}
    given = {"name": "codeSystem", "resource": {**system, "concept": [{"code": "a"}]}}
    for code, result in (("a", True), ("b", False)):
        body = {"resourceType": "Parameters", "parameter": [given, {"name": "code", "valueCode": code}]}
        answer = loads((await server.ehr("POST", "CodeSystem/$validate-code", body)).content)
        assert answer["parameter"][0] == {"name": "result", "valueBoolean": result}
