"""``ValueSet/$compare``, first called ``$related``: https://build.fhir.org/ig/HL7/fhir-tx-ecosystem-ig/"""

from __future__ import annotations

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.operations.terminology_input import answered


async def value_set_compare(context: Context, request: Request) -> Result:
    """How the codes of two value sets stand to each other."""
    return await answered(context, request, "compare", aside=True)
