"""Reads and searches in which what is built in stands beside what is stored: code systems, value sets, maps.

https://hl7.org/fhir/R4/terminology-service.html: the code systems that a server knows can be searched and read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from fhirserver.interactions.exchange import Context
from fhirserver.kernel.instants import microseconds
from fhirserver.kernel.json import loads
from fhirserver.ports.storage import Key, Page, Version
from fhirserver.search.cursor import encode
from fhirserver.search.expression import Cursor, Query
from fhirserver.search.match import Entry, Place, in_order, sort_value
from fhirserver.store.definitions import FIRST, TYPES


async def search(context: Context, query: Query) -> Page:
    """A page of what is stored, and of what is built in where the type has some."""
    page = await context.store.search(query)
    if query.type not in TYPES or (page.cursor and not query.sort):
        return page  # what is stored comes first, and there is more of it
    own = await _places(context, query)
    return await _merged(context, query, page, own) if own else page


async def count(context: Context, query: Query) -> int:
    """How many match, on all pages together."""
    stored = await context.store.count(query)
    if query.type not in TYPES:
        return stored
    return stored + len(await _places(context, replace(query, cursor=None, sort=())))


async def _places(context: Context, query: Query) -> list[tuple[Place, Key]]:
    await context.conformance.catch_up()
    known = context.store.parameters.current
    return await asyncio.to_thread(context.definitions.places, query, known, context.conformance.holds)


async def _merged(context: Context, query: Query, page: Page, own: list[tuple[Place, Key]]) -> Page:
    """One page of both, in the order of the query."""
    stored = await _stored_places(context, query, page.versions)
    keys = {**stored, **dict(own)}
    order = in_order(query.sort, keys)
    kept = order[: query.count]
    versions = [_version(context, keys[place]) for place in kept]
    more = bool(kept) and (len(order) > len(kept) or bool(page.cursor))
    return Page(versions, encode(Cursor(*kept[-1])) if more else "")


def _version(context: Context, found: Version | Key) -> Version:
    if isinstance(found, Version):
        return found
    version = context.definitions.read(*found)
    assert version is not None
    return version


async def _stored_places(
    context: Context, query: Query, versions: Sequence[Version]
) -> dict[Place, Version | Key]:
    """Where what is stored stands in the order."""
    if not versions:
        return {}
    storage = context.store.storage
    keys = [Key(version.type, version.id) for version in versions]
    numbered = await storage.versions_at(keys, (await storage.head()).projected)
    found: dict[Place, Version | Key] = {}
    for key, version in zip(keys, versions, strict=True):
        values: tuple[object, ...] = ()
        if query.sort:
            entry = Entry(*key, microseconds(version.recorded), context.store.extract(loads(version.content)))
            values = tuple(sort_value(one, entry) for one in query.sort)
        found[values, min(numbered[key].pk, FIRST - 1)] = version  # type: ignore[index]
    return found
