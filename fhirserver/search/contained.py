"""What a search of contained resources cannot ask. https://hl7.org/fhir/R4/search.html#contained

A contained resource has no narrative and no address: nothing but its container refers to it.
"""

from __future__ import annotations

from collections.abc import Iterator

from fhirserver.search.expression import Query, WordIs, leaves


def refusals(query: Query) -> Iterator[tuple[str, str]]:
    """The parameter at fault, and why, for each thing that cannot be asked together with ``_contained``."""
    if query.contained != "both" and query.cursor is not None and isinstance(query.cursor.tie, str):
        yield "_cursor", "Malformed value of _cursor: expected the _cursor of this search"
    if not query.contained:
        return
    if any(isinstance(one, WordIs) for one in leaves(query.where)):
        yield "_contained", "_text and _content are not supported in searches of contained resources"
    if query.revincludes:
        yield (
            "_revinclude",
            "_revinclude is not supported with _contained: nothing else refers to what is contained",
        )
    if query.explain:
        yield "_explain", "Searches of contained resources cannot be explained"
    own = query.contained == "true" and query.contained_type == "contained"
    if query.sort and not own:
        yield (
            "_sort",
            "_sort needs _contained=true and _containedType=contained: containers have no order among these",
        )
    if query.elements and query.contained_type != "contained":
        yield "_elements", "_elements needs _containedType=contained: containers may be of any type"
