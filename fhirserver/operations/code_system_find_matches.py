"""``CodeSystem/$find-matches``: https://hl7.org/fhir/R4/codesystem-operation-find-matches.html"""

from __future__ import annotations

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.operations.terminology_input import answered


async def code_system_find_matches(context: Context, request: Request) -> Result:
    """The codes of a system that have all the properties given."""
    return await answered(context, request, "find-matches", aside=True)
