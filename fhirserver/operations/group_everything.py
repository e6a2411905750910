"""``Group/[id]/$everything``: https://hl7.org/fhir/R4/group-operation-everything.html"""

from __future__ import annotations

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.read import current
from fhirserver.operations.everything import everything
from fhirserver.operations.everything_scope import patients_scope


async def group_everything(context: Context, request: Request) -> Result:
    """The records of all patients who are members of a group."""
    await current(context, request.type, request.id)
    return await everything(context, request, patients_scope(request.id))
