"""``CodeSystem/$lookup``: https://hl7.org/fhir/R4/codesystem-operation-lookup.html"""

from __future__ import annotations

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.operations.terminology_input import answered


async def code_system_lookup(context: Context, request: Request) -> Result:
    """What a code means: by ``code`` and ``system`` (and ``version``), or by ``coding``; of an instance by ``code``."""
    return await answered(context, request, "lookup")
