"""SearchParameters that users store, as they are written and as they are searched by.

https://hl7.org/fhir/R4/searchparameter.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from fhirserver.interactions.exchange import Context
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, Issue, Refusal
from fhirserver.search.defined import Parameters
from fhirserver.search.definition import Definition, is_active, read_definition
from fhirserver.search.expression import Query

ASK_TERMINOLOGY: Final = (":in", ":not-in", ":above", ":below", "_filter")
"""Names of parameters that may ask the terminology end so."""


async def check_definition(context: Context, content: JsonObject, id: str = "") -> None:
    """Refuse (422) an active SearchParameter that could not be taken up, naming the element."""
    if content.get("resourceType") == "SearchParameter":
        await context.store.parameters.refresh()
        check_known_definition(context, content, id)


def check_known_definition(context: Context, content: JsonObject, id: str = "") -> None:
    """As :func:`check_definition`, on the parameters that are known already."""
    if not is_active(content):
        return
    definition = read_definition(content, context.store.parameters.find)
    _refuse_taken(context, definition, id)
    if definition.issues:
        raise Refusal(Category.UNPROCESSABLE, definition.issues)


def _refuse_taken(context: Context, definition: Definition, id: str) -> None:
    """Add an issue where another stored SearchParameter defines the same code for a type."""
    for other, taken in context.store.parameters.taken.items():
        if other == id:
            continue
        for type, parameter in definition.by_type.items():
            known = taken.definition.by_type.get(type)
            if known is not None and known.code == parameter.code:
                text = f"SearchParameter/{other} defines {parameter.code} for {type} already"
                definition.wrong("code", text, "duplicate")


def patched_issues(content: JsonObject) -> list[Issue]:
    """What is wrong with a SearchParameter after a patch, as far as it shows in itself."""
    return read_definition(content).issues if is_active(content) else []


async def ready_for_conditions(context: Context, criteria: str) -> None:
    """Know what others have stored that ``criteria``, as they came, may be about: search parameters, value sets."""
    await context.store.parameters.refresh()
    criteria = criteria.replace("%3A", ":").replace("%3a", ":")
    if any(asked in criteria for asked in ASK_TERMINOLOGY):
        await context.conformance.catch_up()


async def understood(context: Context, read: Callable[[Parameters], Query]) -> Query:
    """The query, read on the parameters as they are now: others may have stored or retired some.

    Where nobody has any, nothing is asked; only what is not understood is read again.
    """
    parameters = context.store.parameters
    if parameters.taken:
        await parameters.refresh()
    known = parameters.current
    try:
        return read(known)
    except Refusal:
        await parameters.refresh()
        if parameters.current is known:
            raise
        return read(parameters.current)
