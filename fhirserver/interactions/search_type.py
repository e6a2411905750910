"""search of one type: https://hl7.org/fhir/R4/search.html"""

from __future__ import annotations

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.searchset import answer, one_type, without_lists


async def search_type(context: Context, request: Request) -> Result:
    """A searchset with links ``self`` and ``next``. Unknown parameters are refused unless handling is lenient."""
    query = await one_type(context, request, without_lists(request.params))
    return await answer(context, request, query, f"{context.base_url}/{request.type}")
