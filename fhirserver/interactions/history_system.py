"""history of all resources: https://hl7.org/fhir/R4/http.html#history"""

from __future__ import annotations

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.history import history


async def history_system(context: Context, request: Request) -> Result:
    """All versions of all resources, newest first, deletions and the derived Provenances included."""
    return await history(context, request)
