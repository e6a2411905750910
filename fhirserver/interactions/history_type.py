"""history of the resources of a type: https://hl7.org/fhir/R4/http.html#history"""

from __future__ import annotations

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.history import history


async def history_type(context: Context, request: Request) -> Result:
    """All versions of all resources of the type, newest first, deletions included."""
    return await history(context, request)
