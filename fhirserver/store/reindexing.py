"""Bringing the index up to the search parameters that users defined: what is stored is read once and indexed again.

Whoever writes meanwhile extracts by the new parameters already, so one pass in order of creation misses nothing.
A parameter is not searched by before its pass is complete, nor after it is retired.
"""

from __future__ import annotations

import asyncio
from typing import Final

from fhirserver.kernel.json import loads
from fhirserver.model.definitions import definitions
from fhirserver.ports.storage import Fact, Key, Page, Projection, Reindexed, Storage
from fhirserver.search.cursor import decode
from fhirserver.search.expression import Query
from fhirserver.store.search_parameters import INDEXED, SearchParameters

_PAGE: Final = 100
_PAUSE: Final = 0.002
"""Seconds between two pages, which belong to those who wait for answers."""


async def reindex(storage: Storage, parameters: SearchParameters) -> bool:
    """Complete the index, as far as is known; True when it is complete.

    False where a SearchParameter changed meanwhile: then it is to be done again.
    """
    await parameters.refresh()
    if parameters.complete:
        return True
    position, work = parameters.changed, await _work(storage, parameters)
    queries = [Query(type, count=_PAGE) for type in work]
    parameters.progress = (0, sum([await storage.count(query) for query in queries]))
    for query in queries:
        await _pass(storage, parameters, query, work[query.type])
    await parameters.refresh()
    if parameters.changed != position:
        return False
    versions = {id: one.version for id, one in sorted(parameters.taken.items())}
    fact = Fact(*INDEXED, {"versions": versions}, position)
    await storage.project(Projection((), (fact,)))
    await parameters.refresh()
    return True


async def _work(storage: Storage, parameters: SearchParameters) -> dict[str, frozenset[str]]:
    """The codes by type whose index values are missing, or belong to no parameter any more."""
    work = {type: set(codes) for type, codes in parameters.current.pending.items()}
    for type, param in await storage.indexed_params():
        code = param.partition(":")[0]
        if _is_stale(parameters, type, code):
            work.setdefault(type, set()).add(code)
    return {type: frozenset(codes) for type, codes in sorted(work.items())}


def _is_stale(parameters: SearchParameters, type: str, code: str) -> bool:
    if code.startswith("_") or type not in definitions().resource_types:
        return False
    return code not in parameters.current.of(type)


async def _pass(storage: Storage, parameters: SearchParameters, query: Query, codes: frozenset[str]) -> None:
    """Index every current resource of a type again, as for the codes."""
    while True:
        page = await storage.search(query)
        resources = [
            Reindexed(
                Key(version.type, version.id), version.version, parameters.extract(loads(version.content))
            )
            for version in page.versions
        ]
        await storage.reindex(query.type, codes, resources)
        done, of = parameters.progress
        parameters.progress = (done + len(resources), of)
        if not page.cursor:
            return
        query = _following(query, page)
        await asyncio.sleep(_PAUSE)


def _following(query: Query, page: Page) -> Query:
    return Query(query.type, count=query.count, cursor=decode(page.cursor, ()))
