"""patch by JSON Patch: https://hl7.org/fhir/R4/http.html#patch"""

from __future__ import annotations

from fhirserver.interactions.answers import written
from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.preconditions import if_match
from fhirserver.interactions.reserved import refuse_reserved
from fhirserver.interactions.statement import statement_of
from fhirserver.kernel.json import InvalidJson, Json, loads
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.model.patch import parse_json_patch
from fhirserver.store.commands import Amend, Command

MEDIA_TYPE = "application/json-patch+json"


async def patch(context: Context, request: Request) -> Result:
    """State what the patch changes of the world resource, and nothing else."""
    statement = statement_of(request.principal, request.headers.get("x-provenance"))
    await refuse_reserved(context, request.type, request.id)
    amend = Amend(
        request.type,
        request.id,
        parse_json_patch(operations(request)),
        if_match(request.headers.get("if-match")),
    )
    outcome = await context.store.submit(Command(statement, (amend,)))
    return written(context, request, outcome.results[0])


def operations(request: Request) -> Json:
    """The operations of the body. Raises a refusal for another media type (415) or bad JSON (400)."""
    media = request.headers.get("content-type", MEDIA_TYPE).split(";")[0].strip().lower()
    if media != MEDIA_TYPE:
        raise refuse(
            Category.UNSUPPORTED_MEDIA, "not-supported", f"PATCH takes {MEDIA_TYPE}", "http.Content-Type"
        )
    if not isinstance(request.body, bytes):
        return request.body
    try:
        return loads(request.body)
    except InvalidJson as error:
        raise refuse(Category.INVALID, "structure", f"The body is not JSON: {error}") from None
