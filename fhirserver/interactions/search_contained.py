"""search of contained resources: https://hl7.org/fhir/R4/search.html#contained

``_contained=true`` finds resources inside others, ``both`` these after the others; the answer is the container or,
with ``_containedType=contained``, the contained resource itself under ``[container]#[id]``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from fhirserver.access.guarded import GuardedStore
from fhirserver.interactions.bundles import search_entry
from fhirserver.interactions.contained_joins import MOST, PATIENCE_SECONDS, chained_inside, joined_inside
from fhirserver.interactions.exchange import Context
from fhirserver.interactions.included import Included, included
from fhirserver.interactions.subset import Subset, subset_version
from fhirserver.kernel.json import JsonObject, dumps, loads
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.ports.contained import BITS, PLACE, Found, read_places
from fhirserver.ports.storage import Key, Version
from fhirserver.search import cursor
from fhirserver.search.expression import And, Cursor, IdIs, Query, ReferenceIs, conjunction, disjunction

_AT_ONCE: Final = 500
_INSIDE: Final = "inside"
"""The tie of a cursor that stands between the resources and those that are contained."""


@dataclass(slots=True)
class Answered:
    """The entries of one page, the cursor of the next ("" at the end), the total where it is known, includes."""

    entries: list[bytes]
    cursor: str
    total: int | None = None
    included: Included = field(default_factory=Included)
    shown: Sequence[Version] = ()


async def search_contained(context: Context, query: Query) -> Answered:
    """One page of a query whose ``contained`` is true or both."""
    if isinstance(context.store, GuardedStore):
        context.store.check(query)
    if not await context.store.contained.catch_up(PATIENCE_SECONDS):
        raise _not_indexed()
    inside = await joined_inside(context, query)
    outside, behind = await chained_inside(context, query) if query.contained == "both" else (query, [])
    if behind:
        raise _not_indexed()
    search = _Search(context, outside, inside)
    if query.summary == "count" or query.count == 0:
        return Answered([], "", await search.count())
    return await search.answer()


def _too_many() -> Refusal:
    text = f"More than {MOST} contained resources would have to be looked at for you; ask for fewer"
    return refuse(Category.UNPROCESSABLE, "too-costly", text)


def _not_indexed() -> Refusal:
    refusal = refuse(Category.BUSY, "incomplete", "Contained resources are still being indexed; ask again")
    refusal.headers["Retry-After"] = "5"
    return refusal


class _Search:
    """``outside`` asks the resources, ``inside`` those they contain; they differ in their conditions only."""

    def __init__(self, context: Context, outside: Query, inside: Query):
        self._context, self._store = context, context.store
        self._outside, self._inside = outside, inside
        self._subset = Subset(outside.summary, outside.elements)
        self._matches: list[Version] = []
        self._answered: set[Key] = set()
        self._containers_shown: list[Version] = []
        self._guarded = context.store if isinstance(context.store, GuardedStore) else None
        self._findable: dict[Key, bool] = {}

    async def answer(self) -> Answered:
        query = self._outside
        page = await self._page()
        if query.includes:
            page.included = await included(self._context, query, self._matches, self._answered)
        if query.cursor is None and not page.cursor:
            page.total = len(page.entries)
        elif query.total in ("accurate", "estimate"):
            page.total = await self.count()
        page.shown = [*self._containers_shown, *(one for one in self._matches if self._is_whole(one))]
        return page

    def _is_whole(self, version: Version) -> bool:
        """Whether it is a resource of its own; those inside others stand for their containers, which are shown."""
        return Key(version.type, version.id) in self._answered

    async def _page(self) -> Answered:
        query = self._outside
        if query.contained == "true":
            return await self._of_inside(self._inside)
        if query.cursor is not None and isinstance(query.cursor.tie, str):
            return await self._of_inside(replace(self._inside, cursor=_after(query.cursor)))
        page = await self._store.search(query)
        self._matches += page.versions
        self._answered.update(Key(one.type, one.id) for one in page.versions)
        entries = [self._entry(f"{one.type}/{one.id}", one.content, one.type) for one in page.versions]
        if page.cursor or len(entries) == query.count:
            return Answered(entries, page.cursor or cursor.encode(Cursor((), _INSIDE)))
        rest = await self._of_inside(replace(self._inside, count=query.count - len(entries), cursor=None))
        return Answered([*entries, *rest.entries], rest.cursor)

    async def _of_inside(self, query: Query) -> Answered:
        """One page of contained resources, or of what they lie in."""
        found, following = await (
            self._themselves(query) if query.contained_type == "contained" else self._containers(query)
        )
        if following and query.contained == "both":
            following = cursor.encode(Cursor((), f"{_INSIDE}{cursor.decode(following, ()).tie}"))
        entries = [await self._answer_one(one) for one in found]
        return Answered([entry for entry in entries if entry], following)

    async def _themselves(self, query: Query) -> tuple[Sequence[Found], str]:
        if self._guarded is not None:
            return await self._some_of_them(query)
        page = await self._store.contained.search(query)
        return read_places(page), page.cursor

    async def _some_of_them(self, query: Query) -> tuple[Sequence[Found], str]:
        """The same for who may not see everything: pages are as full, and end, as if the rest were not there."""
        found, looked, after = list[Found](), 0, ""
        asked = query
        while True:
            wanted = query.count - len(found)
            page = await self._store.contained.search(replace(asked, count=wanted or _AT_ONCE))
            places = [one for one in read_places(page) if await self._may_find(one)]
            if places and not wanted:
                return found, after
            found += places if wanted else []
            looked += len(page.versions)
            if not page.cursor:
                return found, ""
            if looked > MOST:
                raise _too_many()
            after = page.cursor if wanted else after
            asked = replace(query, cursor=cursor.decode(page.cursor, query.sort))

    async def _may_find(self, one: Found) -> bool:
        """Whether what it lies in may be found: with that it is told, without it is not there."""
        if self._guarded is None:
            return True
        if one.container not in self._findable:
            self._findable[one.container] = await self._guarded.may_find(one.container)
        return self._findable[one.container]

    async def _containers(self, query: Query) -> tuple[Sequence[Found], str]:
        """Each container once, in order of creation; the cursor is behind all that it contains."""
        found: list[Found] = []
        async for one in self._distinct(query):
            if len(found) == query.count:
                return found, cursor.encode(Cursor((), ((found[-1].pk + 1) << BITS) - 1))
            found.append(one)
        return found, ""

    async def _distinct(self, query: Query) -> AsyncIterator[Found]:
        """A match for each container that has one, in order of number, without those that match themselves."""
        asked = replace(query, count=min(max(query.count + 1, 1), _AT_ONCE), sort=())
        last, looked = -1, 0
        while True:
            page = await self._store.contained.search(asked)
            looked += len(page.versions)
            if self._guarded is not None and looked > MOST:
                raise _too_many()
            for one in read_places(page):
                if one.pk != last and await self._may_find(one) and not await self._is_match(one.container):
                    yield one
                last = one.pk
            if not page.cursor:
                return
            asked = replace(asked, count=_AT_ONCE, cursor=cursor.decode(page.cursor, ()))

    async def _is_match(self, container: Key) -> bool:
        """Whether a search for both found the container by itself already."""
        if self._outside.contained != "both":
            return False
        for type, where in self._outside.by_type():
            if type == container.type:
                return bool(await self._store.count(Query(type, And((where, IdIs(container.id))))))
        return False

    async def count(self) -> int:
        outside = await self._store.count(self._outside) if self._outside.contained == "both" else 0
        if self._inside.contained_type == "contained":
            return outside + await self._count_themselves()
        every = replace(self._inside, count=_AT_ONCE, cursor=None)
        return outside + sum([1 async for _ in self._distinct(every)])

    async def _count_themselves(self) -> int:
        if self._guarded is None:
            return await self._store.contained.count(self._inside)
        found, _ = await self._some_of_them(replace(self._inside, count=MOST + 1, cursor=None, sort=()))
        return len(found)

    async def _answer_one(self, one: Found) -> bytes:
        """The entry of one match; nothing where the container changed at this moment."""
        container = await self._store.read(*one.container)
        if container is None or container.deleted:
            return b""
        self._containers_shown.append(container)
        held = loads(container.content).get("contained") or ()
        if self._inside.contained_type == "container":
            self._answered.add(one.container)
            if self._outside.includes:
                await self._note_matches(container, held)
            return self._entry(str(one.container), container.content, container.type)
        itself = next((r for r in held if (r.get("resourceType"), r.get("id")) == (one.type, one.id)), None)
        if itself is None:
            return b""
        content = dumps(itself)
        self._matches.append(_version(container, itself, content))
        return self._entry(f"{one.container}#{one.id}", content, one.type)

    async def _note_matches(self, container: Version, held: Sequence[JsonObject]) -> None:
        """All that matches in one container: includes start there."""
        by_place = {f"{container.type}/{container.id}#{one.get('id')}": one for one in held}
        here = disjunction([ReferenceIs(PLACE, "", place) for place in by_place])
        for type, where in self._inside.by_type():
            asked = Query(type, conjunction([here, where]), count=len(by_place))
            for found in read_places(await self._store.contained.search(asked)):
                one = by_place[f"{found.container}#{found.id}"]
                self._matches.append(_version(container, one, dumps(one)))

    def _entry(self, path: str, content: bytes, type: str) -> bytes:
        shown = content if self._subset.whole else subset_version(content, type, self._subset)
        return search_entry(f"{self._context.base_url}/{path}", shown)


def _version(container: Version, resource: JsonObject, content: bytes) -> Version:
    """A contained resource in the place of a resource: what it refers to is looked for in it."""
    return container._replace(type=str(resource["resourceType"]), id=str(resource["id"]), content=content)


def _after(place: Cursor) -> Cursor | None:
    """The place in the second part of a search for both."""
    number = str(place.tie).removeprefix(_INSIDE)
    return Cursor((), int(number)) if number.isascii() and number.isdigit() and len(number) < 19 else None
