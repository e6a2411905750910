"""All operations, for the registry."""

from __future__ import annotations

from collections.abc import Sequence

from fhirserver.interactions.registry import Handler, Operation
from fhirserver.operations.lineage import lineage
from fhirserver.operations.task_approve import task_approve
from fhirserver.operations.task_claim import task_claim, task_release
from fhirserver.operations.task_correct import task_correct
from fhirserver.operations.task_reject import task_reject
from fhirserver.world.vocabulary import BASE


def all_operations() -> Sequence[Operation]:
    """Every operation the server has."""
    return (
        Operation("lineage", "instance", ("*",), "read", lineage, _definition("lineage")),
        _review("approve", task_approve),
        _review("reject", task_reject),
        _review("correct", task_correct),
        _review("claim", task_claim),
        _review("release", task_release),
    )


def _definition(name: str) -> str:
    return f"{BASE}/OperationDefinition/{name}"


def _review(name: str, handler: Handler) -> Operation:
    return Operation(
        name, "instance", ("Task",), "operator", handler, _definition(f"task-{name}"), affects_state=True
    )
