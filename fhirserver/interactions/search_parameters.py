"""SearchParameters that users store, as they are written and as they are searched by.

https://hl7.org/fhir/R4/searchparameter.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from fhirserver.interactions.exchange import Context
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, Issue, Refusal
from fhirserver.search.defined import Parameters
from fhirserver.search.definition import Definition, is_active, read_definition
from fhirserver.search.expression import Query

Read = TypeVar("Read")
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
    if any(asked in _plain(criteria) for asked in ASK_TERMINOLOGY):
        await context.conformance.catch_up()


def _plain(criteria: str) -> str:
    return criteria.replace("%3A", ":").replace("%3a", ":")


async def understood(
    context: Context, read: Callable[[Parameters], Query], pairs: Sequence[tuple[str, str]] = ()
) -> Query:
    """The query, read on the parameters as they are now: others may have stored or retired some.

    Where nobody has any, nothing is asked; only what is not understood is read again. It is read in a thread where
    one of the ``pairs`` may ask the terminology, which may have to ask another server.
    """
    parameters = context.store.parameters
    if parameters.taken:
        await parameters.refresh()
    known = parameters.current
    try:
        return await perhaps_waiting(pairs, lambda: read(known))
    except Refusal:
        await parameters.refresh()
        if parameters.current is known:
            raise
        return await perhaps_waiting(pairs, lambda: read(parameters.current))


async def perhaps_waiting(criteria: str | Sequence[tuple[str, str]], read: Callable[[], Read]) -> Read:
    """What ``read`` makes of criteria, in a thread where they may ask the terminology: it may wait for others."""
    if isinstance(criteria, str):
        asks = any(asked in _plain(criteria) for asked in ASK_TERMINOLOGY)
    else:
        asks = any(name.endswith(ASK_TERMINOLOGY) for name, _ in criteria)
    return await asyncio.to_thread(read) if asks else read()
