"""Search of a patient's compartment as of a moment: what it held then, also what has left it since."""

from __future__ import annotations

from fhirserver.interactions.bundles import bundle
from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.moments import at_position, past_of
from fhirserver.interactions.searchset import entry_of, links, warnings
from fhirserver.interactions.subset import Subset
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.search.compartments import PATIENT
from fhirserver.search.expression import Query
from fhirserver.store.as_of import AS_OF, Moment


async def search_past(context: Context, request: Request, query: Query, at: Moment, url: str) -> Result:
    """A searchset with its total. Its links name the moment as a position, so that pages are of one moment."""
    assert request.compartment is not None
    if request.compartment.type != PATIENT:
        text = f"{AS_OF} is taken by searches of a Patient's compartment, not of other compartments"
        raise refuse(Category.INVALID, "not-supported", text, f"http.{AS_OF}")
    _refuse_others(request, query)
    past = past_of(context, at, [request.compartment.id])
    params = at_position(request.params, at)
    if query.summary == "count" or query.count == 0:
        counted = await past.count(query)
        return Result(200, bundle("searchset", (), links(url, params, query, ""), counted))
    page, total = await past.select(query)
    subset = Subset(query.summary, query.elements)
    entries = [entry_of(context, version, subset, b"match") for version in page.versions]
    entries += warnings(query)
    body = bundle("searchset", entries, links(url, params, query, page.cursor), total)
    return Result(200, body, shown=page.versions)


def _refuse_others(request: Request, query: Query) -> None:
    """Refuse (400) what would be answered from the present."""
    asked = {
        "_include": bool(query.includes),
        "_revinclude": bool(query.revincludes),
        "_explain": query.explain,
        "_list": any(name == "_list" for name, _ in request.params),
    }
    for name, given in asked.items():
        if given:
            text = f"{name} cannot be combined with {AS_OF}"
            raise refuse(Category.INVALID, "not-supported", text, f"http.{name}")
