"""All operations, for the registry."""

from __future__ import annotations

from collections.abc import Sequence

from fhirserver.interactions.registry import Handler, Operation
from fhirserver.operations.code_system_lookup import code_system_lookup
from fhirserver.operations.lineage import lineage
from fhirserver.operations.task_approve import task_approve
from fhirserver.operations.task_claim import task_claim, task_release
from fhirserver.operations.task_correct import task_correct
from fhirserver.operations.task_reject import task_reject
from fhirserver.operations.value_set_expand import value_set_expand
from fhirserver.operations.value_set_validate_code import value_set_validate_code
from fhirserver.world.vocabulary import BASE

_R4 = "http://hl7.org/fhir/OperationDefinition"


def all_operations() -> Sequence[Operation]:
    """Every operation the server has."""
    return (
        Operation("lineage", "instance", ("*",), "read", lineage, _definition("lineage")),
        _terminology("lookup", "CodeSystem", code_system_lookup),
        _terminology("validate-code", "ValueSet", value_set_validate_code),
        _terminology("expand", "ValueSet", value_set_expand),
        _review("approve", task_approve),
        _review("reject", task_reject),
        _review("correct", task_correct),
        _review("claim", task_claim),
        _review("release", task_release),
    )


def _definition(name: str) -> str:
    return f"{BASE}/OperationDefinition/{name}"


def _terminology(name: str, type: str, handler: Handler) -> Operation:
    return Operation(name, "type", (type,), "read", handler, f"{_R4}/{type}-{name}")


def _review(name: str, handler: Handler) -> Operation:
    return Operation(
        name, "instance", ("Task",), "operator", handler, _definition(f"task-{name}"), affects_state=True
    )
