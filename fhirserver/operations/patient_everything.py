"""``Patient/$everything``: https://hl7.org/fhir/R4/patient-operation-everything.html"""

from __future__ import annotations

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.moments import past_of
from fhirserver.kernel.json import loads
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.operations.everything import everything
from fhirserver.operations.everything_scope import compartment_scope, patients_scope
from fhirserver.operations.everything_support import local_references
from fhirserver.operations.moments import moment_given, version_asked
from fhirserver.operations.parameters import inputs
from fhirserver.store.as_of import AS_OF


async def patient_everything(context: Context, request: Request) -> Result:
    """The record of one patient, or of all; of one also as of a moment."""
    at = await moment_given(context, inputs(request))
    if not request.id:
        if at is not None:
            text = f"{AS_OF} is taken by the $everything of one Patient"
            raise refuse(Category.INVALID, "not-supported", text, f"http.{AS_OF}")
        return await everything(context, request, patients_scope())
    past = past_of(context, at, [request.id]) if at else None
    patient = loads((await version_asked(context, request, at)).content)
    links = {"link": patient.get("link", [])}
    linked = {key.id for key in local_references(links, context.base_url) if key.type == "Patient"}
    scope = compartment_scope(request.type, request.id, {request.id}, linked)
    return await everything(context, request, scope, past)
