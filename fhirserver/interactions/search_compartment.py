"""search of a compartment: https://hl7.org/fhir/R4/compartmentdefinition.html"""

from __future__ import annotations

from collections.abc import Mapping

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.moments import moment_asked, without_moment
from fhirserver.interactions.search_past import search_past
from fhirserver.interactions.searchset import Pairs, answer, one_type, several_types, without_lists
from fhirserver.kernel.ids import is_id
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.model.definitions import definitions
from fhirserver.ports.storage import Key
from fhirserver.search.expression import Expression, IdIs, Query, ReferenceIs, disjunction
from fhirserver.search.parse_types import restricted


async def search_compartment(context: Context, request: Request) -> Result:
    """A searchset of what one resource's compartment holds, of one type (``Patient/1/Observation``) or of all (``*``).

    404 for a type that has no compartment, and for a type that this compartment never holds. A compartment
    is a matter of references: the resource it is about need not be there.
    """
    assert request.compartment is not None
    inside = _inside(request.compartment)
    url = f"{context.base_url}/{request.compartment}/{request.type}"
    at = await moment_asked(context, request.params)
    if at is not None:
        query = await _query(context, request, inside, without_moment(request.params))
        return await search_past(context, request, query, at, url)
    query = await _query(context, request, inside, without_lists(request.params))
    return await answer(context, request, query, url)


async def _query(context: Context, request: Request, inside: Mapping[str, Expression], pairs: Pairs) -> Query:
    """What the parameters ask of the types that are searched in the compartment."""
    assert request.compartment is not None
    if request.type == "*":
        query = await several_types(context, request, sorted(inside), pairs)
    elif request.type in inside:
        query = await one_type(context, request, pairs)
    else:
        text = f"The {request.compartment.type} compartment holds no {request.type}"
        raise refuse(Category.NOT_FOUND, "not-supported", text, "http.url")
    return restricted(query, inside)


def _inside(compartment: Key) -> dict[str, Expression]:
    """What puts a resource of each type into a compartment; the one that it is about is in it too."""
    if compartment.type not in definitions().compartments:
        known = ", ".join(sorted(definitions().compartments))
        text = f"{compartment.type[:64]} has no compartment; those with one are {known}"
        raise refuse(Category.NOT_FOUND, "not-supported", text, "http.url")
    if not is_id(compartment.id):
        raise refuse(Category.NOT_FOUND, "not-found", "There is nothing at this URL", "http.url")
    conditions: dict[str, list[Expression]] = {compartment.type: [IdIs(compartment.id)]}
    for type, params in definitions().compartment(compartment.type).items():
        references = [ReferenceIs(param, compartment.type, compartment.id) for param in params]
        conditions.setdefault(type, []).extend(references)
    return {type: disjunction(of) for type, of in conditions.items()}
