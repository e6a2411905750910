"""What an EHR says it can do. https://hl7.org/fhir/R4/capabilitystatement.html"""

from __future__ import annotations

from adapters.fhir.exchange import member, members
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.ehr import Capabilities, TypeCapabilities


def read_statement(statement: JsonObject) -> Capabilities:
    """A CapabilityStatement's first server part, as far as an adapter needs it."""
    servers = [rest for rest in members(statement, "rest") if rest.get("mode") == "server"]
    server = servers[0] if servers else {}
    resources = members(server, "resource")
    return Capabilities(
        software=str(member(statement, "software").get("name", "")),
        fhir_version=str(statement.get("fhirVersion", "")),
        types={str(resource["type"]): _type(resource) for resource in resources if "type" in resource},
        interactions=_names(server, "interaction", "code"),
        operations=_names(server, "operation", "name"),
    )


def _type(resource: JsonObject) -> TypeCapabilities:
    return TypeCapabilities(
        interactions=_names(resource, "interaction", "code"),
        search_parameters=_names(resource, "searchParam", "name"),
        conditional_create=resource.get("conditionalCreate") is True,
        versioning=str(resource.get("versioning", "")),
        operations=_names(resource, "operation", "name"),
    )


def _names(part: JsonObject, name: str, member_name: str) -> frozenset[str]:
    """The names in a list of interactions, parameters or operations, without a leading ``$``."""
    return frozenset(str(item.get(member_name, "")).removeprefix("$") for item in members(part, name))
