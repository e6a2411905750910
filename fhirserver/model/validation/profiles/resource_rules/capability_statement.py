"""CapabilityStatement: its search parameters are what their definitions say.

https://hl7.org/fhir/R4/capabilitystatement.html
"""

from __future__ import annotations

from fhirserver.kernel.json import JsonObject
from fhirserver.model.validation.profiles.objects import objects, text
from fhirserver.model.validation.profiles.run import Run
from fhirserver.model.validation.report import Place

_ALIKE = frozenset({"string", "token", "uri", "reference"})
"""Types whose values are written alike; R4's own CapabilityStatements mix them up."""


def check(resource: JsonObject, place: Place, run: Run) -> None:
    """Every search parameter of every resource, and those of all resources."""
    for rest, at in objects(resource, "rest", place):
        for parameter, where in objects(rest, "searchParam", at):
            _parameter(parameter, where, run)
        for held, here in objects(rest, "resource", at):
            for parameter, where in objects(held, "searchParam", here):
                _parameter(parameter, where, run)


def _parameter(parameter: JsonObject, place: Place, run: Run) -> None:
    run.beat()
    url, type_name = text(parameter, "definition"), text(parameter, "type")
    found = run.profiles.conformance.find(url, "SearchParameter") if url else None
    if found is not None and type_name and text(found, "type") != type_name:
        alike = {type_name, text(found, "type")} <= _ALIKE
        words = f"the definition of this search parameter has the type {text(found, 'type')}"
        run.add("invalid", words, place, "warning" if alike else "error")
