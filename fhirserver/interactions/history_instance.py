"""history of one resource: https://hl7.org/fhir/R4/http.html#history"""

from __future__ import annotations

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.history import history, refuse_unknown
from fhirserver.interactions.reserved import DERIVED


async def history_instance(context: Context, request: Request) -> Result:
    """All versions, newest first, deletions included. 404 for what never was."""
    if request.type == DERIVED:
        await context.store.derive_provenance()
    await refuse_unknown(context, request)
    return await history(context, request)
