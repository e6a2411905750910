"""``CapabilityStatement.instantiates``: guides whose demands on a server are stored, and met."""

from __future__ import annotations

from typing import Any

import pytest

from fhirserver.kernel.json import JsonObject
from tests.facade import Facade

URL = "http://guide.test/CapabilityStatement/server"
EXPECTATION = "http://hl7.org/fhir/StructureDefinition/capabilitystatement-expectation"
COMBINATION = "http://hl7.org/fhir/StructureDefinition/capabilitystatement-search-parameter-combination"


def said(code: str) -> JsonObject:
    return {"extension": [{"url": EXPECTATION, "valueCode": code}]}


def requirements(*resources: JsonObject, **members: Any) -> JsonObject:
    return {
        "resourceType": "CapabilityStatement",
        "id": "guide",
        "url": URL,
        "version": "1.0.0",
        "status": "active",
        "date": "2026-11-29",
        "kind": "requirements",
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "rest": [
            {"mode": "server", "resource": [{"interaction": [{"code": "read"}], **one} for one in resources]}
        ],
        **members,
    }


def together(code: str, *names: str) -> JsonObject:
    required = [{"url": "required", "valueString": name} for name in names]
    return {"url": COMBINATION, "extension": [*said(code)["extension"], *required]}


async def told(server: Facade, guide: JsonObject) -> list[str]:
    assert (await server.ehr.put(guide)).status_code == 201
    statement = (await server.anonymous.get("metadata")).json()
    return [url for url in statement["instantiates"] if "guide.test" in url]


MET = (
    {"type": "Patient", "searchParam": [{"name": "birthdate", "type": "date"}]},
    {"type": "Patient", "searchParam": [{"name": "no-such", "type": "date", **said("SHOULD")}]},
    {"type": "Patient", "extension": [together("SHALL", "birthdate", "name"), together("MAY", "no-such")]},
    {
        "type": "Patient",
        "extension": said("SHOULD")["extension"],
        "operation": [{"name": "x", "definition": "http://x.test/x"}],
    },
    {
        "type": "CareTeam",
        "searchInclude": ["CareTeam:participant:Patient"],
        "searchRevInclude": ["Provenance:target"],
    },
    {
        "type": "Patient",
        "supportedProfile": ["http://x.test/a", "http://x.test/b"],
        "_supportedProfile": [said("MAY"), said("SHOULD")],
    },
)
LACKING = (
    {"type": "Patient", "searchParam": [{"name": "no-such", "type": "date", **said("SHALL")}]},
    {"type": "Patient", "extension": [together("SHALL", "birthdate", "no-such")]},
    {"type": "Patient", "operation": [{"name": "x", "definition": "http://x.test/x"}]},
    {"type": "Patient", "supportedProfile": ["http://x.test/a"], "_supportedProfile": [said("SHALL")]},
    {"type": "Patient", "searchInclude": ["Patient:no-such"]},
)


@pytest.mark.parametrize("resource", MET)
async def test_a_guide_that_is_met_is_said(server: Facade, resource: JsonObject) -> None:
    assert await told(server, requirements(resource)) == [f"{URL}|1.0.0"]


@pytest.mark.parametrize("resource", LACKING)
async def test_a_guide_that_is_not_met_is_not(server: Facade, resource: JsonObject) -> None:
    assert await told(server, requirements(resource)) == []


@pytest.mark.parametrize("members", [{"status": "retired"}, {"kind": "capability"}, {"fhirVersion": "3.0.1"}])
async def test_what_is_no_demand_on_a_server_is_not(server: Facade, members: JsonObject) -> None:
    assert await told(server, requirements(MET[0], **members)) == []


async def test_a_guide_that_is_removed_is_said_no_more(server: Facade) -> None:
    assert await told(server, requirements(MET[0]))
    await server.ehr("DELETE", "CapabilityStatement/guide")
    assert len((await server.anonymous.get("metadata")).json()["instantiates"]) == 2
