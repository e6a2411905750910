"""Chains and ``_has`` where contained resources are concerned: https://hl7.org/fhir/R4/search.html#contained

"A chained condition will be evaluated inside contained resources." They lie in a space of their own, so what a
join leads to in the other space is looked up first, and asked for by its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from fhirserver.interactions.exchange import Context
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.kernel.outcomes import Category, Issue, refuse
from fhirserver.ports.contained import PLACE, Found, read_places
from fhirserver.ports.storage import Version
from fhirserver.search.expression import (
    And,
    Chain,
    Expression,
    Has,
    IdIs,
    Not,
    Or,
    PhraseIs,
    Query,
    ReferenceIs,
    UriIs,
    Within,
    WordIs,
    conjunction,
    disjunction,
    leaves,
)
from fhirserver.search.index import extract, placed
from fhirserver.search.values import ReferenceValue

T = TypeVar("T")

PATIENCE_SECONDS: Final = 2.0
"""How long a search waits until contained resources are indexed."""
_BEHIND: Final = Issue(
    "incomplete",
    "Not all contained resources are indexed yet: chains may lead to more of them in a while",
    severity="warning",
)
MOST: Final = 10_000
"""More than this is not looked up for one join."""


async def chained_inside(context: Context, query: Query) -> tuple[Query, list[Issue]]:
    """The query, its chains also leading to what resources contain; and a warning where not all of that is indexed.

    Without chains it is the query itself; with some, each costs one look at an index where nothing refers to what
    is contained. Raises a refusal (422) where a chain finds more than :data:`MOST` contained resources.
    """
    by_type = query.by_type()
    if not any(isinstance(one, Chain | Has) for _, where in by_type for one in leaves(where)):
        return query, []
    indexing = _Indexing()
    outside = _Outside(context, indexing)
    wheres = [await outside.read(type, where) for type, where in by_type]
    read = replace(query, where=wheres[0]) if query.type else replace(query, wheres=tuple(wheres))
    return read, [_BEHIND] if indexing.behind else []


async def joined_inside(context: Context, query: Query) -> Query:
    """The query as the space of contained resources can answer it: joins are looked up in both spaces."""
    by_type = query.by_type()
    inside = _Inside(context, _Indexing())
    wheres = [await inside.read(type, where) for type, where in by_type]
    return replace(query, where=wheres[0]) if query.type else replace(query, wheres=tuple(wheres))


def _asks_words(where: Expression) -> bool:
    """Whether words are asked for of the resource itself."""
    return any(isinstance(one, WordIs | PhraseIs) for one in leaves(where))


@dataclass(slots=True)
class _Indexing:
    """What a search saw of the space it looks into; one for all that it reads."""

    behind: bool = False
    """Contained resources were looked for that are not indexed yet. It is waited for once."""


class _Reading:
    """Reads a tree anew, its joins as a space needs them."""

    def __init__(self, context: Context, indexing: _Indexing):
        self.context, self.indexing = context, indexing

    async def read(self, type: str, expression: Expression) -> Expression:
        match expression:
            case And(of):
                return conjunction([await self.read(type, one) for one in of])
            case Or(of):
                return disjunction([await self.read(type, one) for one in of])
            case Not(of):
                return Not(await self.read(type, of))
            case Chain():
                return await self.chain(type, expression)
            case Has():
                return await self.has(type, expression)
        return await self.other(expression)

    async def other(self, expression: Expression) -> Expression:
        return expression

    async def chain(self, type: str, chain: Chain) -> Expression:
        raise NotImplementedError

    async def has(self, type: str, has: Has) -> Expression:
        raise NotImplementedError

    async def places(self, type: str, where: Expression) -> Sequence[Found]:
        """The contained resources of a type for which something holds; none by their words, which are not indexed."""
        if _asks_words(where):
            return ()
        if not self.indexing.behind:
            self.indexing.behind = not await self.context.store.contained.catch_up(PATIENCE_SECONDS)
        asked = Query(type, await _Inside(self.context, self.indexing).read(type, where), count=MOST)
        page = await self.context.store.contained.search(asked)
        return _whole(read_places(page), page.cursor)

    async def resources(self, type: str, where: Expression) -> Sequence[Version]:
        """The resources of a type for which something holds."""
        asked = Query(type, await _Outside(self.context, self.indexing).read(type, where), count=MOST)
        page = await self.context.store.search(asked)
        return _whole(page.versions, page.cursor)

    def values(self, resource: JsonObject) -> Sequence[object]:
        return extract(resource, f"{self.context.base_url}/", self.context.store.parameters.current)


class _Outside(_Reading):
    """For the resources that are not contained."""

    def __init__(self, context: Context, indexing: _Indexing):
        super().__init__(context, indexing)
        self._known: dict[tuple[str, str], bool] = {}

    async def chain(self, type: str, chain: Chain) -> Expression:
        plain = replace(chain, where=await self.read(chain.type, chain.where))
        if chain.by_url or not await self._leads_inside(type, chain.param):
            return plain
        found = await self.places(chain.type, chain.where)
        own = [f"{one.container.id}#{one.id}" for one in found if one.container.type == type]
        return disjunction([plain, *_references(f"{chain.param}:contained", own)])

    async def has(self, type: str, has: Has) -> Expression:
        return replace(has, where=await self.read(has.type, has.where))

    async def _leads_inside(self, type: str, param: str) -> bool:
        """Whether a parameter of any resource refers to what it contains."""
        if (type, param) not in self._known:
            asked = Query(type, ReferenceIs(f"{param}:contained", "", "#"), count=1)
            self._known[type, param] = bool((await self.context.store.search(asked)).versions)
        return self._known[type, param]


class _Inside(_Reading):
    """For those that are contained."""

    async def other(self, expression: Expression) -> Expression:
        return await self._line(expression) if isinstance(expression, Within) else expression

    async def _line(self, within: Within) -> Expression:
        """References to a resource and to all below or above it, by name: the hierarchy is outside."""
        ids = {within.target}
        if within.direction == "below":
            below = Within(within.via, within.type, within.target, within.via, "below")
            ids |= {one.id for one in await self.resources(within.type, below)}
        fresh = set(ids) if within.direction == "above" else set()
        while fresh:
            children = disjunction([IdIs(id) for id in sorted(fresh)])
            parents = await self.resources(within.type, Has(within.type, within.via, children))
            fresh = {one.id for one in parents} - ids
            ids |= fresh
        return disjunction([ReferenceIs(within.param, within.type, id) for id in sorted(ids)])

    async def chain(self, type: str, chain: Chain) -> Expression:
        outside = await self.resources(chain.type, chain.where)
        if chain.by_url:
            return disjunction([UriIs(chain.param, url) for one in outside for url in _urls(one)])
        inside = await self.places(chain.type, chain.where)
        own = [f"{one.container}#{one.id}" for one in inside]
        there = [ReferenceIs(chain.param, chain.type, one.id) for one in outside]
        return disjunction([*there, *_references(f"{chain.param}:contained", own)])

    async def has(self, type: str, has: Has) -> Expression:
        """Nothing but its container, and what else that contains, refers to a contained resource."""
        if has.by_url:
            return disjunction([])
        param = f"{has.param}:contained"
        holds = conjunction([has.where, ReferenceIs(param, "", "#")])
        own: list[str] = []
        for one in await self.resources(has.type, holds):
            own += [f"{one.type}/{text}" for text in self._targets(param, loads(one.content))]
        for found in await self.places(has.type, holds):
            own += await self._from_inside(param, found)
        return disjunction([*_references(PLACE, own)])

    async def _from_inside(self, param: str, found: Found) -> list[str]:
        container = await self.context.store.read(*found.container)
        held = loads(container.content).get("contained") if container and container.content else None
        for one in held or ():
            if (one.get("resourceType"), one.get("id")) == (found.type, found.id):
                return self._targets(param, one, str(found.container))
        return []

    def _targets(self, param: str, resource: JsonObject, place: str = "") -> list[str]:
        values = placed(self.values(resource), place) if place else self.values(resource)  # type: ignore[arg-type]
        found = [one.target for one in values if isinstance(one, ReferenceValue) and one.param == param]
        return [text for text in found if text != "#"]


def _references(param: str, targets: Iterable[str]) -> list[Expression]:
    return [ReferenceIs(param, "", target) for target in dict.fromkeys(targets)]


def _urls(version: Version) -> list[str]:
    resource = loads(version.content)
    url, number = resource.get("url"), resource.get("version")
    return [text for text in (url, f"{url}|{number}") if isinstance(url, str) and isinstance(text, str)]


def _whole(found: Sequence[T], cursor: str) -> Sequence[T]:
    if cursor:
        text = f"A chain to or from contained resources may lead through {MOST} at most; narrow it"
        raise refuse(Category.UNPROCESSABLE, "too-costly", text)
    return found
