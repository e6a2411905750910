"""The server's own operations as OperationDefinitions. https://hl7.org/fhir/R4/operationdefinition.html"""

from __future__ import annotations

from fhirserver.interactions.conformance.frame import computer_name, frame
from fhirserver.interactions.registry import Operation, Parameter
from fhirserver.kernel.json import JsonObject


def operation_definition(operation: Operation) -> JsonObject:
    """The OperationDefinition of one operation of the registry."""
    id = operation.definition.rpartition("/")[2]
    head = frame("OperationDefinition", id, computer_name(id), f"${operation.name}", operation.description)
    types = ["Resource"] if "*" in operation.types else list(operation.types)
    definition: JsonObject = {
        **head,
        "kind": "operation",
        "affectsState": operation.affects_state,
        "code": operation.name,
        "resource": types,
        "system": "system" in operation.levels,
        "type": "type" in operation.levels,
        "instance": "instance" in operation.levels,
        "parameter": [_parameter(one) for one in operation.parameters],
    }
    return {name: value for name, value in definition.items() if value != []}


def _parameter(one: Parameter) -> JsonObject:
    parameter: JsonObject = {
        "name": one.name,
        "use": one.use,
        "min": one.min,
        "max": one.max,
        "documentation": one.text,
    }
    if one.type:
        parameter["type"] = one.type
    if one.parts:
        parameter["part"] = [_parameter(part) for part in one.parts]
    return parameter
