"""``$versions``: https://hl7.org/fhir/R5/capabilitystatement-operation-versions.html"""

from __future__ import annotations

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.registry import Operation, Parameter
from fhirserver.operations.parameters import parameters, part

_VERSION = "4.0"


async def versions(context: Context, request: Request) -> Result:
    """The versions of FHIR that the server speaks, and the one it speaks where none is asked for."""
    return Result(200, parameters([part("version", "Code", _VERSION), part("default", "Code", _VERSION)]))


VERSIONS = Operation(
    "versions",
    "system",
    (),
    "read",
    versions,
    "http://hl7.org/fhir/OperationDefinition/CapabilityStatement-versions",
    description="The versions of FHIR that this server speaks.",
    parameters=(
        Parameter("version", "code", "A version of FHIR", 0, "*", "out"),
        Parameter("default", "code", "The version where none is asked for", 1, use="out"),
    ),
)
