"""``$merge`` and ``$unmerge``, as the registry has them."""

from __future__ import annotations

from fhirserver.interactions.registry import Operation, Parameter
from fhirserver.operations.merge import merge
from fhirserver.operations.unmerge import unmerge
from fhirserver.world.merging import MERGEABLE
from fhirserver.world.vocabulary import BASE

_WHO = "It needs the role operator, or an authoritative source."
_OUTCOME = Parameter("outcome", "OperationOutcome", "What was done", 1, use="out")
_TASK = Parameter("task", "Task", "In progress until all references have followed", use="out")


def _merge(types: tuple[str, ...], kind: str, type: str, definition: str) -> Operation:
    """For Patient by HL7's definition; the inputs of others are named after no type."""
    return Operation(
        "merge",
        "type",
        types,
        "write",
        merge,
        definition,
        affects_state=True,
        description=f"Two resources that are one in the world become one. {_WHO}",
        parameters=(
            Parameter(f"source-{kind}", "Reference", "The duplicate"),
            Parameter(f"source-{kind}-identifier", "Identifier", "Identifiers of the duplicate", max="*"),
            Parameter(f"target-{kind}", "Reference", "The one that survives"),
            Parameter(f"target-{kind}-identifier", "Identifier", "Identifiers of the survivor", max="*"),
            Parameter(f"result-{kind}", type, "What the survivor shall be; the union without it"),
            Parameter("preview", "boolean", "Only say what would come of it"),
            Parameter("input", "Parameters", "What was asked", use="out"),
            _OUTCOME,
            Parameter("result", type, "The survivor", use="out"),
            _TASK,
        ),
    )


MERGING = (
    _merge(("Patient",), "patient", "Patient", "http://hl7.org/fhir/OperationDefinition/Patient-merge"),
    _merge(
        tuple(sorted(MERGEABLE - {"Patient"})),
        "resource",
        "Resource",
        f"{BASE}/OperationDefinition/resource-merge",
    ),
    Operation(
        "unmerge",
        "instance",
        tuple(sorted(MERGEABLE)),
        "write",
        unmerge,
        f"{BASE}/OperationDefinition/resource-unmerge",
        affects_state=True,
        description=f"A merge is undone; what was merged has its own claims again. {_WHO}",
        parameters=(
            _OUTCOME,
            Parameter("result", "Resource", "The resource as it is again", use="out"),
            _TASK,
        ),
    ),
)
