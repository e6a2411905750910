"""All operations, for the registry."""

from __future__ import annotations

from collections.abc import Sequence

from fhirserver.interactions.registry import Operation
from fhirserver.operations.lineage import lineage
from fhirserver.world.vocabulary import BASE


def all_operations() -> Sequence[Operation]:
    """Every operation the server has."""
    return (Operation("lineage", "instance", ("*",), "read", lineage, f"{BASE}/OperationDefinition/lineage"),)
