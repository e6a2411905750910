"""``MedicinalProduct/[id]/$everything``: https://hl7.org/fhir/R4/medicinalproduct-operation-everything.html"""

from __future__ import annotations

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.read import current
from fhirserver.operations.everything import everything
from fhirserver.operations.everything_scope import referring_scope


async def medicinal_product_everything(context: Context, request: Request) -> Result:
    """A product, what refers to it (authorisations, indications, packages …), and what those refer to."""
    await current(context, request.type, request.id)
    return await everything(context, request, referring_scope(request.type, request.id))
