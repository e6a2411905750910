"""``_include`` and ``_revinclude``, with ``:iterate``: https://hl7.org/fhir/R4/search.html#include"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fhirserver.interactions.exchange import Context
from fhirserver.kernel.json import loads
from fhirserver.ports.storage import Key, Version
from fhirserver.search.defined import Parameters
from fhirserver.search.expression import Include, Query, ReferenceIs, disjunction
from fhirserver.search.index import extract
from fhirserver.search.parameters import searchable
from fhirserver.search.values import ReferenceValue

MAX_INCLUDED = 10_000
"""More than this is not included; a page that asks for more than that is not a page."""


async def included(context: Context, query: Query, matches: Sequence[Version]) -> list[Version]:
    """What the matches refer to and what refers to them, each once and none that is a match itself."""
    seen = {Key(version.type, version.id) for version in matches}
    found: list[Version] = []
    fresh: Sequence[Version] = matches
    first = True
    while fresh and len(found) < MAX_INCLUDED:
        forward = [one for one in query.includes if first or one.iterate]
        backward = [one for one in query.revincludes if first or one.iterate]
        step = await _forward(context, forward, fresh, seen)
        step += await _backward(context, backward, fresh, seen)
        found += step
        fresh, first = step, False
    return found[:MAX_INCLUDED]


async def _forward(
    context: Context, includes: Sequence[Include], versions: Iterable[Version], seen: set[Key]
) -> list[Version]:
    if not includes:
        return []
    known = context.store.parameters.current
    keys = {
        key: None for version in versions for key in _targets(version, includes, known) if key not in seen
    }
    found: list[Version] = []
    for key in keys:
        seen.add(key)
        version = await context.store.read(*key)
        if version is not None and not version.deleted:
            found.append(version)
    return found


def _targets(version: Version, includes: Sequence[Include], known: Parameters) -> Iterable[Key]:
    wanted = [one for one in includes if one.source in (version.type, "*")]
    if not wanted or not version.content:
        return
    for value in extract(loads(version.content), known=known):
        if not isinstance(value, ReferenceValue) or not value.type:
            continue
        for one in wanted:
            if one.param in (value.param, "*") and one.target in ("", value.type):
                yield Key(value.type, value.target)


async def _backward(
    context: Context, includes: Sequence[Include], versions: Sequence[Version], seen: set[Key]
) -> list[Version]:
    found: list[Version] = []
    for one in includes:
        for source, param in _sources(one, context.store.parameters.current):
            targets = [v for v in versions if _may_target(one, v.type)]
            where = disjunction([ReferenceIs(param, v.type, v.id) for v in targets])
            if not targets:
                continue
            page = await context.store.search(Query(source, where, count=MAX_INCLUDED))
            for version in page.versions:
                key = Key(version.type, version.id)
                if key not in seen:
                    seen.add(key)
                    found.append(version)
    return found


def _may_target(include: Include, type: str) -> bool:
    return include.target in ("", type)


def _sources(include: Include, known: Parameters) -> list[tuple[str, str]]:
    """The (type, parameter) pairs that a reverse include names; ``*`` stands for every reference of the type."""
    if include.param != "*":
        return [(include.source, include.param)]
    found = searchable(include.source, known)
    return [(include.source, code) for code, p in found.items() if p.type == "reference"]
