"""``Patient/$everything``: https://hl7.org/fhir/R4/patient-operation-everything.html"""

from __future__ import annotations

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.read import current
from fhirserver.kernel.json import loads
from fhirserver.operations.everything import everything
from fhirserver.operations.everything_scope import compartment_scope, patients_scope
from fhirserver.operations.everything_support import local_references


async def patient_everything(context: Context, request: Request) -> Result:
    """The record of one patient, or of all."""
    if not request.id:
        return await everything(context, request, patients_scope())
    patient = loads((await current(context, request.type, request.id)).content)
    links = {"link": patient.get("link", [])}
    linked = {key.id for key in local_references(links, context.base_url) if key.type == "Patient"}
    scope = compartment_scope(request.type, request.id, {request.id}, linked)
    return await everything(context, request, scope)
