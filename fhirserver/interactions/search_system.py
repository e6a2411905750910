"""search of several types or all: https://hl7.org/fhir/R4/http.html#search"""

from __future__ import annotations

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.searchset import answer, several_types, without_lists
from fhirserver.model.definitions import definitions


async def search_system(context: Context, request: Request) -> Result:
    """A searchset of the types in ``_type``, of all without it. Each parameter must be one of every type searched."""
    types = sorted(definitions().resource_types)
    query = await several_types(context, request, types, without_lists(request.params))
    return await answer(context, request, query, context.base_url)
