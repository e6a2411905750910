"""``ValueSet/$expand``: https://hl7.org/fhir/R4/valueset-operation-expand.html"""

from __future__ import annotations

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.operations.terminology_input import answered


async def value_set_expand(context: Context, request: Request) -> Result:
    """A value set with its codes: as a tree where it is one, or a page of them, or those that are called so."""
    return await answered(context, request, "expand", aside=True)
