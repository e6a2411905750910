"""What an EHR says it can do. https://hl7.org/fhir/R4/capabilitystatement.html"""

from __future__ import annotations

from adapters.fhir.exchange import member, members
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.ehr import Capabilities, TypeCapabilities


def read_statement(statement: JsonObject) -> Capabilities:
    """A CapabilityStatement's first server part, as far as an adapter needs it."""
    servers = [rest for rest in members(statement, "rest") if rest.get("mode") == "server"]
    resources = members(servers[0], "resource") if servers else []
    return Capabilities(
        software=str(member(statement, "software").get("name", "")),
        fhir_version=str(statement.get("fhirVersion", "")),
        types={str(resource["type"]): _type(resource) for resource in resources if "type" in resource},
    )


def _type(resource: JsonObject) -> TypeCapabilities:
    return TypeCapabilities(
        interactions=frozenset(str(item.get("code", "")) for item in members(resource, "interaction")),
        search_parameters=frozenset(str(item.get("name", "")) for item in members(resource, "searchParam")),
        conditional_create=resource.get("conditionalCreate") is True,
    )
