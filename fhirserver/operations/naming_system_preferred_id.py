"""``NamingSystem/$preferred-id``: https://hl7.org/fhir/R4/namingsystem-operation-preferred-id.html"""

from __future__ import annotations

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.operations.parameters import inputs, one, parameters, part

_TYPES = ("oid", "uuid", "uri", "other")


async def naming_system_preferred_id(context: Context, request: Request) -> Result:
    """The identifier of a system that is of the type asked for, found by any other that it has."""
    if context.naming is None:
        raise refuse(Category.NOT_SUPPORTED, "not-supported", "This server has no terminology service")
    given = inputs(request)
    name, type = str(one(given, "id", required=True)), str(one(given, "type", required=True))
    if type not in _TYPES:
        where = "Parameters.parameter.where(name='type')"
        raise refuse(Category.INVALID, "code-invalid", f"'type' is one of {', '.join(_TYPES)}", where)
    await context.conformance.catch_up()
    return Result(200, parameters([part("result", "String", context.naming.preferred_id(name, type))]))
