"""What a search of contained resources cannot ask. https://hl7.org/fhir/R4/search.html#contained

A contained resource has no narrative and no address: nothing but its container refers to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fhirserver.search.expression import And, Expression, Not, Or, Query, WordIs

_NAMES: Final[dict[type, str]] = {
    WordIs: "_text and _content are",
}


def refusals(query: Query) -> Iterator[tuple[str, str]]:
    """The parameter at fault, and why, for each thing that cannot be asked together with ``_contained``."""
    if query.contained != "both" and query.cursor is not None and isinstance(query.cursor.tie, str):
        yield "_cursor", "Malformed value of _cursor: expected the _cursor of this search"
    if not query.contained:
        return
    for kind in dict.fromkeys(_kinds(query.where)):
        yield "_contained", f"{_NAMES[kind]} not supported in searches of contained resources"
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


def _kinds(expression: Expression) -> Iterator[type]:
    match expression:
        case And(of) | Or(of):
            for one in of:
                yield from _kinds(one)
        case Not(of):
            yield from _kinds(of)
        case WordIs():
            yield type(expression)
