"""``Encounter/[id]/$everything``: https://hl7.org/fhir/R4/encounter-operation-everything.html"""

from __future__ import annotations

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.read import current
from fhirserver.kernel.json import loads
from fhirserver.operations.everything import everything
from fhirserver.operations.everything_scope import compartment_scope, owners


async def encounter_everything(context: Context, request: Request) -> Result:
    """One encounter, what was done in it, and what those refer to, the patient among it."""
    encounter = loads((await current(context, request.type, request.id)).content)
    scope = compartment_scope(request.type, request.id, owners(encounter))
    return await everything(context, request, scope)
