"""What an EHR says it can do. https://hl7.org/fhir/R4/capabilitystatement.html"""

from __future__ import annotations

from fhirserver.kernel.json import JsonObject
from fhirserver.ports.ehr import Capabilities, TypeCapabilities


def read_statement(statement: JsonObject) -> Capabilities:
    """A CapabilityStatement's first server part, as far as an adapter needs it."""
    parts = [rest for rest in statement.get("rest", ()) if rest.get("mode") == "server"]
    resources = parts[0].get("resource", ()) if parts else ()
    software = statement.get("software") or {}
    return Capabilities(
        software=str(software.get("name", "")),
        fhir_version=str(statement.get("fhirVersion", "")),
        types={resource["type"]: _type(resource) for resource in resources if "type" in resource},
    )


def _type(resource: JsonObject) -> TypeCapabilities:
    return TypeCapabilities(
        interactions=frozenset(item.get("code", "") for item in resource.get("interaction", ())),
        search_parameters=frozenset(item.get("name", "") for item in resource.get("searchParam", ())),
        conditional_create=resource.get("conditionalCreate") is True,
    )
