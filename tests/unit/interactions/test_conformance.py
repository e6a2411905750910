"""The server's own definitions, and the CapabilityStatement."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from pathlib import Path

import pytest

import fhirserver
from fhirserver.interactions.all import full_registry
from fhirserver.interactions.conformance.resources import definitions_of
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.model.validation import validate
from fhirserver.model.xml import read_xml
from fhirserver.operations.all import all_operations
from fhirserver.world.vocabulary import BASE
from tests.facade import Facade, facade, patient, said

DOCS = Path(__file__).parents[3] / "docs"
PUBLISHED = definitions_of(all_operations())
OWN = [resource for resource in PUBLISHED if resource["resourceType"] != "Basic"]
"""All but the topics of subscriptions: in R4 those are in a Basic, which has no url of its own."""


@pytest.mark.parametrize("resource", OWN, ids=lambda r: f"{r['resourceType']}/{r['id']}")
async def test_every_definition_is_valid_read_and_found(resource: JsonObject, server: Facade) -> None:
    assert [issue for issue in validate(resource) if issue.severity == "error"] == []
    type, id = resource["resourceType"], resource["id"]
    served = loads((await server.reader.get(f"{type}/{id}")).content)
    assert served["url"] == f"{BASE}/{type}/{id}"
    assert {**resource, "meta": served["meta"]} == served
    assert await server.reader.ids(f"{type}?url={resource['url']}") == [id]


async def test_every_topic_is_valid_and_read(server: Facade) -> None:
    topics = [resource for resource in PUBLISHED if resource["resourceType"] == "Basic"]
    assert topics
    for topic in topics:
        assert [issue for issue in validate(topic) if issue.severity == "error"] == []
        served = loads((await server.reader.get(f"Basic/{topic['id']}")).content)
        assert {**topic, "meta": served["meta"]} == served


async def test_definitions_are_published_once(tmp_path: Path) -> None:
    heads = []
    for _ in range(2):
        async with facade(tmp_path, "sqlite") as server:
            heads.append(server.store.head)
    assert heads == [2, 2], "the policy, then the definitions"


async def test_clients_cannot_change_definitions(server: Facade) -> None:
    mine = {"resourceType": "CodeSystem", "id": "task-code", "status": "draft", "content": "complete"}
    for answer in (
        await server.ehr.put(mine),
        await server.ehr("DELETE", "CodeSystem/task-code"),
        await server.admin("PATCH", "CodeSystem/task-code", [], media="application/json-patch+json"),
    ):
        assert answer.status_code == 405
        assert answer.headers["allow"] == "GET, HEAD"
    assert (await server.ehr.put({**mine, "id": "mine"})).status_code == 201


async def test_what_the_world_model_writes_is_defined(server: Facade) -> None:
    """Every extension and code of ours that shows in a resource has a definition that is served."""
    await server.ehr.put(patient("p"))
    await server.agent.put(patient("p", gender="female"), x_provenance=said("0.5", "confirmed", "partial"))
    shown = loads((await server.ehr.get("Patient/p")).content)
    provenances = loads((await server.ehr.get("Provenance?target=Patient/p")).content)["entry"]
    for url in set(_canonicals([shown, provenances])):
        type = url.removeprefix(f"{BASE}/").partition("/")[0]
        assert await server.ehr.ids(f"{type}?url={url}"), url


def _canonicals(value: object) -> list[str]:
    if isinstance(value, dict):
        return [url for inner in value.values() for url in _canonicals(inner)]
    if isinstance(value, list):
        return [url for inner in value for url in _canonicals(inner)]
    return [value] if isinstance(value, str) and value.startswith(BASE) else []


async def test_capability_statement_is_valid_and_open(server: Facade) -> None:
    answer = await server.anonymous.get("metadata")
    assert answer.status_code == 200
    statement = loads(answer.content)
    assert [issue for issue in validate(statement) if issue.severity == "error"] == []
    assert statement["fhirVersion"] == "4.0.1"
    assert (await server.anonymous("HEAD", "metadata")).status_code == 200
    assert (await server.anonymous("POST", "metadata", {})).status_code == 405


async def test_advertised_is_enforced(server: Facade) -> None:
    """Every interaction of the statement answers with something else than 404 or 405."""
    rest = (await server.anonymous.get("metadata")).json()["rest"][0]
    patients = next(one for one in rest["resource"] if one["type"] == "Patient")
    await server.ehr.put(patient("p"))
    calls = {
        "read": ("GET", "Patient/p"),
        "vread": ("GET", "Patient/p/_history/1"),
        "update": ("PUT", "Patient/p"),
        "patch": ("PATCH", "Patient/p"),
        "delete": ("DELETE", "Patient/other"),
        "history-instance": ("GET", "Patient/p/_history"),
        "history-type": ("GET", "Patient/_history"),
        "create": ("POST", "Patient"),
        "search-type": ("GET", "Patient"),
    }
    assert {one["code"] for one in patients["interaction"]} == calls.keys()
    for code, (method, path) in calls.items():
        body = {} if method in ("PUT", "POST", "PATCH") else None
        answer = await server.ehr(method, path, body)
        assert answer.status_code not in (404, 405), code
    for operation in patients["operation"]:
        if operation["name"] == "match":  # on the type alone, and about a patient in its body
            answer = await server.ehr("POST", "Patient/$match", patient())
            assert answer.status_code == 200, operation
            continue
        inputs = {"graphql": "?query={id}", "story": "?path=name"}.get(operation["name"], "")
        answer = await server.ehr.get(f"Patient/p/${operation['name']}{inputs}")
        if answer.status_code == 404:  # it is invoked on the type
            answer = await server.ehr.get(f"Patient/${operation['name']}{inputs}")
        post_only = answer.status_code == 405 and answer.headers["Allow"] == "POST"
        assert answer.status_code == 200 or post_only, operation
    system = {"transaction", "batch", "history-system", "search-system"}
    assert {one["code"] for one in rest["interaction"]} == system
    assert len(rest["compartment"]) == 5


async def test_parameters_of_every_search_are_advertised_and_taken(server: Facade) -> None:
    await server.ehr.put({"resourceType": "List", "id": "l", "status": "current", "mode": "working"})
    rest = (await server.anonymous.get("metadata")).json()["rest"][0]
    values = {
        "_lastUpdated": "2020",
        "_list": "l",
        "_type": "Patient,Observation",
        "_has": "",
        "_filter": "_id eq x",
    }
    names = {one["name"] for one in rest["searchParam"]}
    assert names == {"_content", "_id", "_profile", "_security", "_source", "_tag", *values}
    for name in names - {"_has"}:
        answer = await server.ehr.get(f"?{name}={values.get(name, 'x')}")
        assert answer.status_code == 200, answer.text
    assert (await server.ehr.get("?_type=Patient&_has:Observation:subject:code=x")).status_code == 200
    normative = (await server.anonymous.get("metadata?mode=normative")).json()["rest"][0]
    assert normative["searchParam"] == rest["searchParam"]


async def test_every_advertised_search_parameter_is_taken(server: Facade) -> None:
    rest = (await server.anonymous.get("metadata")).json()["rest"][0]
    for type in ("Patient", "Observation", "Coverage", "Slot"):
        resource = next(one for one in rest["resource"] if one["type"] == type)
        values = {"date": "2020", "number": "1", "quantity": "1"}
        for one in resource["searchParam"]:
            if one["type"] == "composite":
                continue
            value = values.get(one["type"], "x")
            answer = await server.ehr.get(f"{type}?{one['name']}={value}")
            assert answer.status_code == 200, one
        for include in resource.get("searchInclude", ()):
            assert (await server.ehr.get(f"{type}?_include={include}")).status_code == 200, include


def test_every_operation_of_ours_has_a_definition() -> None:
    urls = {resource["url"] for resource in OWN}
    registry = full_registry(all_operations())
    ours = [one.definition for one in registry.operations if one.definition.startswith(BASE)]
    assert ours
    assert set(ours) <= urls


async def test_two_servers_that_start_at_once_publish_once(tmp_path: Path) -> None:
    async with facade(tmp_path, "sqlite") as one:

        async def start() -> int:
            async with facade(tmp_path, "sqlite") as other:
                return other.store.head

        heads = await asyncio.gather(start(), start())
        assert {*heads, one.store.head} == {2}, "the policy, then the definitions"


async def test_stored_profiles_are_advertised(server: Facade) -> None:
    url = "http://example.org/StructureDefinition/p"
    profile = {
        "resourceType": "StructureDefinition",
        "id": "p",
        "url": url,
        "name": "P",
        "status": "active",
        "kind": "resource",
        "abstract": False,
        "type": "Patient",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient",
        "derivation": "constraint",
        "differential": {"element": [{"id": "Patient", "path": "Patient"}]},
    }

    async def supported() -> dict[str, list[str]]:
        resources = (await server.reader.get("metadata")).json()["rest"][0]["resource"]
        return {one["type"]: one["supportedProfile"] for one in resources if "supportedProfile" in one}

    own = {
        "Task": ["https://credence.health/fhir/StructureDefinition/review-task"],
        "Subscription": [
            "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-subscription"
        ],
    }
    assert await supported() == own
    assert (await server.ehr.put(profile)).status_code == 201
    assert await supported() == {**own, "Patient": [url]}
    await server.ehr.put({**profile, "status": "retired"})
    assert await supported() == own


async def test_what_may_refer_to_a_type_is_advertised(server: Facade) -> None:
    resources = (await server.reader.get("metadata")).json()["rest"][0]["resource"]
    found = {one["type"]: one["searchRevInclude"] for one in resources}
    assert {"Provenance:target", "Observation:subject"} <= set(found["Patient"])
    assert "Provenance:target" in found["Basic"]
    assert "Observation:subject" not in found["Practitioner"]


async def test_the_terminology_that_is_told_of_is_there(server: Facade) -> None:
    own: JsonObject = {"resourceType": "CodeSystem", "id": "own", "status": "active", "content": "complete"}
    own |= {"url": "urn:own", "version": "7", "concept": [{"code": "a", "concept": [{"code": "b"}]}]}
    empty: JsonObject = {
        "resourceType": "CodeSystem",
        "id": "e",
        "status": "active",
        "content": "not-present",
    }
    before = (await server.anonymous.get("metadata?mode=terminology")).json()
    assert [issue for issue in validate(before) if issue.severity == "error"] == []
    assert "urn:own" not in {one["uri"] for one in before["codeSystem"]}
    await server.ehr.put(own)
    await server.ehr.put({**empty, "url": "urn:empty"})
    told = (await server.anonymous.get("metadata?mode=terminology")).json()
    systems = {one["uri"]: one for one in told["codeSystem"]}
    version = [{"code": "7", "isDefault": True, "compositional": False}]
    assert systems["urn:own"] == {"uri": "urn:own", "version": version, "subsumption": True}
    assert systems["http://hl7.org/fhir/administrative-gender"]["subsumption"] is False
    assert {"http://unitsofmeasure.org", "urn:ietf:bcp:47", "urn:iso:std:iso:3166"} <= systems.keys()
    assert systems.keys().isdisjoint({"urn:empty", "http://snomed.info/sct", "http://loinc.org"})
    for uri, code in (("urn:own", "b"), ("http://unitsofmeasure.org", "mg"), ("urn:iso:std:iso:3166", "DE")):
        found = await server.ehr.get(f"CodeSystem/$lookup?system={uri}&code={code}")
        assert found.status_code == 200, uri
    assert (await server.ehr.get("CodeSystem/$lookup?system=urn:empty&code=a")).status_code == 404
    summary = (await server.anonymous.get("metadata?mode=terminology&_elements=validateCode")).json()
    assert "validateCode" in summary and "codeSystem" not in summary
    as_xml = await server.anonymous.get("metadata?mode=terminology&_format=xml")
    assert read_xml(as_xml.content)["codeSystem"] == told["codeSystem"]


async def test_every_parameter_of_expansions_that_is_told_of_is_taken(server: Facade) -> None:
    told = (await server.anonymous.get("metadata?mode=terminology")).json()["expansion"]["parameter"]
    values = {"url": "http://hl7.org/fhir/ValueSet/administrative-gender", "valueSetVersion": "4.0.1"}
    values |= {"filter": "male", "date": "2024-01-01", "offset": "0", "count": "2", "displayLanguage": "de"}
    url = "ValueSet/$expand?url=" + values["url"]
    versions = [
        one["name"] for one in told if one["name"].endswith("-version") and "latest" not in one["name"]
    ]
    values |= dict.fromkeys(versions, "http://example.org|1")
    for name in {one["name"] for one in told} - {"url", "valueSet", "tx-resource", "useSupplement"}:
        answer = await server.ehr.get(f"{url}&{name}={values.get(name, 'true')}")
        assert answer.status_code == 200, answer.text


async def test_what_clients_of_the_terminology_ecosystem_look_for_is_so(server: Facade) -> None:
    told = (await server.anonymous.get("metadata")).json()
    days = {date.fromtimestamp(path.stat().st_mtime) for path in Path(fhirserver.__path__[0]).rglob("*.py")}
    assert abs(date.fromisoformat(told["software"]["releaseDate"]) - max(days)) <= timedelta(days=1)
    features = [
        {part["url"]: next(v for name, v in part.items() if name != "url") for part in one["extension"]}
        for one in told["extension"]
    ]
    claimed = {one["definition"].rpartition("/")[2]: one["value"] for one in features}
    assert claimed["CodeSystemAsParameter"] is True
    assert f"claims {claimed['test-version']}" in (DOCS / "terminology" / "validating.md").read_text()
