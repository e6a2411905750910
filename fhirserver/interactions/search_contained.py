"""search of contained resources: https://hl7.org/fhir/R4/search.html#contained

``_contained=true`` finds resources inside others, ``both`` these after the others; the answer is the container or,
with ``_containedType=contained``, the contained resource itself under ``[container]#[id]``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from fhirserver.interactions.bundles import search_entry
from fhirserver.interactions.exchange import Context
from fhirserver.interactions.subset import Subset, subset_version
from fhirserver.kernel.json import dumps, loads
from fhirserver.ports.contained import BITS, Found, read_places
from fhirserver.ports.storage import Key
from fhirserver.search import cursor
from fhirserver.search.expression import And, Cursor, IdIs, Query

_AT_ONCE: Final = 500
_INSIDE: Final = "inside"
"""The tie of a cursor that stands between the resources and those that are contained."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The entries of one page, the cursor of the next ("" at the end), and the total where it is known."""

    entries: Sequence[bytes]
    cursor: str
    total: int | None


async def search_contained(context: Context, query: Query) -> Answered:
    """One page of a query whose ``contained`` is true or both."""
    await context.store.contained.catch_up()
    if query.summary == "count" or query.count == 0:
        return Answered((), "", await _count(context, query))
    page = await _page(context, query)
    if query.cursor is None and not page.cursor:
        return replace(page, total=len(page.entries))
    return replace(
        page, total=await _count(context, query) if query.total in ("accurate", "estimate") else None
    )


async def _page(context: Context, query: Query) -> Answered:
    if query.contained == "true":
        return await _inside(context, query)
    if _is_inside(query):
        return await _inside(context, replace(query, cursor=_after(query)))
    page = await context.store.search(query)
    subset = Subset(query.summary, query.elements)
    entries = [
        _entry(f"{context.base_url}/{one.type}/{one.id}", one.content, one.type, subset)
        for one in page.versions
    ]
    if page.cursor or len(entries) == query.count:
        return Answered(entries, page.cursor or cursor.encode(Cursor((), _INSIDE)), None)
    rest = await _inside(context, replace(query, count=query.count - len(entries), cursor=None))
    return Answered([*entries, *rest.entries], rest.cursor, None)


def _is_inside(query: Query) -> bool:
    return query.cursor is not None and isinstance(query.cursor.tie, str)


def _after(query: Query) -> Cursor | None:
    """The place in the second part of a search for both."""
    number = str(query.cursor.tie if query.cursor else "").removeprefix(_INSIDE)
    return Cursor((), int(number)) if number.isascii() and number.isdigit() and len(number) < 19 else None


async def _inside(context: Context, query: Query) -> Answered:
    """One page of contained resources, or of what they lie in."""
    if query.contained_type == "contained":
        found, following = await _themselves(context, query)
    else:
        found, following = await _containers(context, query)
    if following and query.contained == "both":
        following = cursor.encode(Cursor((), f"{_INSIDE}{cursor.decode(following, ()).tie}"))
    subset = Subset(query.summary, query.elements)
    entries = [await _answer(context, one, query.contained_type, subset) for one in found]
    return Answered([entry for entry in entries if entry], following, None)


async def _themselves(context: Context, query: Query) -> tuple[Sequence[Found], str]:
    page = await context.store.storage.contained.search(query)
    return read_places(page), page.cursor


async def _containers(context: Context, query: Query) -> tuple[Sequence[Found], str]:
    """Each container once, in order of creation; the cursor is behind all that it contains."""
    found: list[Found] = []
    async for one in _distinct(context, query):
        if len(found) == query.count:
            return found, cursor.encode(Cursor((), ((found[-1].pk + 1) << BITS) - 1))
        found.append(one)
    return found, ""


async def _distinct(context: Context, query: Query) -> AsyncIterator[Found]:
    """A match for each container that has one, in order of number, without those that match themselves."""
    asked = replace(query, count=min(max(query.count + 1, 1), _AT_ONCE), sort=())
    last = -1
    while True:
        page = await context.store.storage.contained.search(asked)
        for one in read_places(page):
            if one.pk != last and not await _is_match(context, query, one.container):
                yield one
            last = one.pk
        if not page.cursor:
            return
        asked = replace(asked, count=_AT_ONCE, cursor=cursor.decode(page.cursor, ()))


async def _is_match(context: Context, query: Query, container: Key) -> bool:
    """Whether a search for both found the container by itself already."""
    if query.contained != "both":
        return False
    for type, where in query.by_type():
        if type == container.type:
            return bool(await context.store.count(Query(type, And((where, IdIs(container.id))))))
    return False


async def _count(context: Context, query: Query) -> int:
    outside = await context.store.count(query) if query.contained == "both" else 0
    if query.contained_type == "contained":
        return outside + await context.store.storage.contained.count(query)
    every = replace(query, count=_AT_ONCE, cursor=None)
    return outside + sum([1 async for _ in _distinct(context, every)])


async def _answer(context: Context, one: Found, wanted: str, subset: Subset) -> bytes:
    """The entry of one match; nothing where the container changed at this moment."""
    container = await context.store.read(*one.container)
    if container is None or container.deleted:
        return b""
    url = f"{context.base_url}/{one.container}"
    if wanted == "container":
        return _entry(url, container.content, container.type, subset)
    held = loads(container.content).get("contained") or ()
    itself = next((r for r in held if (r.get("resourceType"), r.get("id")) == (one.type, one.id)), None)
    return b"" if itself is None else _entry(f"{url}#{one.id}", dumps(itself), one.type, subset)


def _entry(url: str, content: bytes, type: str, subset: Subset) -> bytes:
    return search_entry(url, content if subset.whole else subset_version(content, type, subset))
