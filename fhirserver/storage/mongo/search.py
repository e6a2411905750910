"""Searching: joins first, then one filter, then the page in its order.

https://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from bson.max_key import MaxKey
from bson.min_key import MinKey
from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.asynchronous.collection import AsyncCollection

from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.ports.storage import Key, Page
from fhirserver.search.cursor import encode
from fhirserver.search.expression import (
    Chain,
    Cursor,
    Expression,
    Has,
    IdIs,
    Near,
    PhraseIs,
    Query,
    SortKey,
    SortValue,
    Within,
    leaves,
)
from fhirserver.search.match import reversed_ties
from fhirserver.search.settling import settling
from fhirserver.search.sphere import box, distance
from fhirserver.search.words import has_phrase
from fhirserver.storage.mongo.documents import SEPARATOR, VERSION_FIELDS, compact, sort_field, to_version
from fhirserver.storage.mongo.filters import Filter, Join, beginning, render
from fhirserver.storage.mongo.payloads import Document, Payloads

INDEXES = (
    [("type", 1), ("deleted", 1), ("pk", 1)],
    [("type", 1), ("deleted", 1), ("updated", 1), ("pk", 1)],
    [("type", 1), ("deleted", 1), ("id", 1), ("pk", 1)],
    [("type", 1), ("string", 1)],
    [("type", 1), ("text", 1)],
    [("type", 1), ("token", 1)],
    [("type", 1), ("reference", 1)],
    [("type", 1), ("uri", 1)],
    [("type", 1), ("date.p", 1), ("date.l", 1), ("date.h", 1)],
    [("type", 1), ("number.p", 1), ("number.l", 1)],
    [("type", 1), ("quantity.p", 1), ("quantity.v", 1)],
    [("type", 1), ("composite.p", 1)],
    [("type", 1), ("words", 1)],
)

MAX_JOINED = 100_000
"""The most resources that an inner search of a chain may find; their ids go into one filter."""
_LARGEST, _LEAST = MaxKey(), MinKey()


class Search:
    """Searches the collection ``resource``."""

    def __init__(self, resources: AsyncCollection[Document], payloads: Payloads):
        self._resources = resources
        self._payloads = payloads

    async def open(self) -> None:
        await self._resources.create_indexes([IndexModel(keys) for keys in INDEXES])

    async def page(self, query: Query) -> Page:
        return await settling(query, self._codes_in_use, self._page)

    async def _page(self, query: Query) -> Page:
        if query.count <= 0:
            return Page(())
        stages = [{"$match": await self._asked(query)}, *_order(query)]
        async with await self._resources.aggregate(stages) as cursor:
            found = [document async for document in cursor]
        kept = found[: query.count]
        versions = [
            to_version(Key(one["type"], one["id"]), one, await self._payloads.load(one["content"]))
            for one in kept
        ]
        return Page(versions, _cursor(query.sort, kept[-1]) if len(found) > query.count else "")

    async def explain(self, query: Query) -> list[str]:
        """The fields of ``resource`` that the filter looks at; values are not told."""
        return await settling(query, self._codes_in_use, self._explain)

    async def _explain(self, query: Query) -> list[str]:
        found: list[str] = []
        for type_name in query.types or (query.type,):
            fields = _fields(await self._filter(type_name, query.where))
            found.append(f"filter on {', '.join(sorted(fields))}")
        return found

    async def count(self, query: Query) -> int:
        return await settling(query, self._codes_in_use, self._count)

    async def _codes_in_use(self, type: str, param: str) -> Sequence[str]:
        """The distinct codes of a token parameter. The database reads all resources of the type that have it."""
        of_param = beginning(compact(param, ""))
        stages: list[Document] = [
            {"$match": {"type": type, "deleted": False, "token": {"$elemMatch": of_param}}},
            {"$project": {"token": 1}},
            {"$unwind": "$token"},
            {"$match": {"token": of_param}},
            {"$group": {"_id": "$token"}},
        ]
        async with await self._resources.aggregate(stages) as cursor:
            parts = [found["_id"].split(SEPARATOR) async for found in cursor]
        return _bounded(sorted({part[-1] for part in parts if part[0] == param and part[-1]}))

    async def _count(self, query: Query) -> int:
        return await self._resources.count_documents(await self._asked(query))

    async def in_use(self, type: str, param: str) -> list[tuple[str, str]]:
        """The distinct (system, code) of a token parameter, ("", uri) of a uri parameter."""
        found: set[tuple[str, str]] = set()
        current: Filter = {"type": type, "deleted": False}
        async for document in self._resources.find(current, {"token": 1, "uri": 1}):
            for text in (*document["token"], *document["uri"]):
                name, *parts = text.split(SEPARATOR)
                if name == param and len(parts) == (2 if text in document["token"] else 1):
                    found.add((parts[0], parts[1]) if len(parts) == 2 else ("", parts[0]))
        return sorted(found)

    async def _asked(self, query: Query) -> Filter:
        """The filter of a query: one for all types that share a condition in which the type plays no part."""
        groups: dict[Expression, list[str]] = {}
        for type, where in query.by_type():
            groups.setdefault(where, []).append(type)
        found: list[Filter] = []
        for where, types in groups.items():
            if len(types) == 1 or _names_type(where):
                found += [await self._filter(type, where) for type in types]
            else:
                found.append({"$and": [{"type": {"$in": types}}, await self._filter("", where)]})
        return found[0] if len(found) == 1 else {"$or": found}

    async def _filter(self, type: str, where: Expression) -> Filter:
        """``type`` is "" where the caller sees to it."""
        joined = {join: await self._joined(join, type) for join in _joins(where)}
        current: Filter = {"type": type, "deleted": False} if type else {"deleted": False}
        asked = render(where, type, joined)
        return {"$and": [current, asked]} if asked else current

    async def _joined(self, join: Join, type: str) -> Filter:
        if isinstance(join, Near):
            return await self._near(join, type)
        if isinstance(join, PhraseIs):
            return await self._phrase(join, type)
        return await (self._line(join) if isinstance(join, Within) else self._join(join, type))

    async def _near(self, near: Near, type: str) -> Filter:
        """Of those in the box around the place, those within the distance."""
        south, north, west, east = box(near)
        sides = {f"{near.param}:latitude": (south, north), f"{near.param}:longitude": (west, east)}
        within = [
            {"number": {"$elemMatch": {"p": param, "l": {"$gte": low, "$lte": high}}}}
            for param, (low, high) in sides.items()
        ]
        asked = {"$and": [{"type": type, "deleted": False}, *within]}
        ids: list[str] = []
        async for found in self._resources.find(asked, {"number": 1}, limit=MAX_JOINED + 1):
            at = {one["p"]: one["l"] for one in found["number"]}
            if distance(near.latitude, near.longitude, *(at[param] for param in sides)) <= near.metres:
                ids.append(found["_id"])
        return {"_id": {"$in": list(_bounded(ids))}}

    async def _phrase(self, phrase: PhraseIs, type: str) -> Filter:
        """Of those that have all the words, those in which they stand together."""
        words = [compact(phrase.param, word) for word in phrase.words]
        asked: Filter = {"deleted": False, "words": {"$all": words}, **({"type": type} if type else {})}
        text, ids = " ".join(phrase.words), []
        async for found in self._resources.find(asked, {"content": 1}, limit=MAX_JOINED + 1):
            if has_phrase(await self._payloads.load(found["content"]), phrase.param, text):
                ids.append(found["_id"])
        return {"_id": {"$in": list(_bounded(ids))}}

    async def _line(self, within: Within) -> Filter:
        """The references to a resource and to all below or above it."""
        ids, fresh = {within.target}, {within.target}
        while fresh:
            fresh = await self._nearest(within, sorted(fresh)) - ids
            ids |= fresh
            _bounded(list(ids))
        return {"reference": {"$in": [compact(within.param, within.type, id) for id in sorted(ids)]}}

    async def _nearest(self, within: Within, ids: Sequence[str]) -> set[str]:
        """What is directly below or above any of the resources."""
        current: Filter = {"type": within.type, "deleted": False}
        prefix = compact(within.via, within.type, "")
        if within.direction == "below":
            asked = {**current, "reference": {"$in": [prefix + id for id in ids]}}
            return {found["id"] async for found in self._resources.find(asked, {"id": 1})}
        asked = {**current, "_id": {"$in": [f"{within.type}/{id}" for id in ids]}}
        parents: set[str] = set()
        async for found in self._resources.find(asked, {"reference": 1}):
            parents.update(text[len(prefix) :] for text in found["reference"] if text.startswith(prefix))
        return parents

    async def _join(self, join: Chain | Has, type: str) -> Filter:
        inner = await self._filter(join.type, join.where)
        if join.by_url:
            there, here = join.param, "url:canonical"
            return await self._by_url(inner, *((here, there) if isinstance(join, Chain) else (there, here)))
        if isinstance(join, Chain):
            ids = [
                found["id"] async for found in self._resources.find(inner, {"id": 1}, limit=MAX_JOINED + 1)
            ]
            return {"reference": {"$in": [compact(join.param, join.type, id) for id in _bounded(ids)]}}
        prefix = compact(join.param, type, "")
        targets: set[str] = set()
        async for found in self._resources.find(inner, {"reference": 1}):
            targets.update(text for text in found["reference"] if text.startswith(prefix))
        keys = [f"{type}/{text.rpartition(SEPARATOR)[2]}" for text in _bounded(sorted(targets))]
        return {"_id": {"$in": keys}}

    async def _by_url(self, inner: Filter, there: str, here: str) -> Filter:
        """What has under parameter ``here`` a uri that one of those inside has under ``there``."""
        start, urls = compact(there, ""), set[str]()
        async for found in self._resources.find(inner, {"uri": 1}):
            urls.update(text[len(start) :] for text in found["uri"] if text.startswith(start))
        return {"uri": {"$in": [compact(here, url) for url in _bounded(sorted(urls))]}}


def _fields(node: Any) -> set[str]:
    """The names of the fields in a filter."""
    if isinstance(node, dict):
        return {name for name in node if name[:1] != "$"} | {
            n for inner in node.values() for n in _fields(inner)
        }
    return {name for item in node for name in _fields(item)} if isinstance(node, list) else set()


def _bounded(found: Sequence[str]) -> Sequence[str]:
    if len(found) <= MAX_JOINED:
        return found
    raise refuse(
        Category.UNPROCESSABLE,
        "too-costly",
        f"A search may join at most {MAX_JOINED} resources or codes; narrow it",
    )


def _joins(expression: Expression) -> Iterator[Join]:
    """The outermost joins of a tree."""
    for one in leaves(expression):
        if isinstance(one, Join):
            yield one


def _names_type(expression: Expression) -> bool:
    """Whether the filter of an expression depends on the type that is searched."""
    return any(isinstance(one, IdIs | Has) for one in leaves(expression))


# --- order and place


def _order(query: Query) -> Iterable[Document]:
    """The stages that skip to the cursor, sort and cut the page (one more shows that there are more)."""
    names = [_name(number, key) for number, key in enumerate(query.sort)]
    computed = {
        name: _computed(key) for name, key in zip(names, query.sort, strict=True) if name.startswith("k")
    }
    if computed:
        yield {"$addFields": computed}
    if query.cursor:
        yield {"$match": _behind(query.sort, names, query.cursor)}
    order: Document = {}
    for name, key in zip(names, query.sort, strict=True):
        order.setdefault(name, DESCENDING if key.descending else ASCENDING)
    yield {"$sort": {**order, "pk": DESCENDING if reversed_ties(query.sort) else ASCENDING}}
    yield {"$limit": query.count + 1}
    yield {
        "$project": {
            "type": 1,
            "id": 1,
            "pk": 1,
            "updated": 1,
            **VERSION_FIELDS,
            **dict.fromkeys(computed, 1),
        }
    }


def _name(number: int, key: SortKey) -> str:
    return key.kind if key.kind in ("id", "updated") else f"k{number}"


def _computed(key: SortKey) -> Document:
    """The value to sort by; resources without one come last in either direction."""
    end = "max" if key.descending else "min"
    return {"$ifNull": [f"${sort_field(key.param)}.{end}", _absent(key)]}


def _absent(key: SortKey) -> Any:
    return _LEAST if key.descending else _LARGEST


def _behind(sort: tuple[SortKey, ...], names: list[str], cursor: Cursor) -> Filter:
    """Resources that come after the cursor: equal in the first keys, further in the next."""
    equal: list[Filter] = []
    ways: list[Filter] = []
    for key, name, value in zip(sort, names, cursor.keys, strict=True):
        if value is not None:
            further: Filter = {name: {"$lt" if key.descending else "$gt": value}}
            ways += [{"$and": [*equal, further]}, {"$and": [*equal, {name: _absent(key)}]}]
        equal.append({name: _absent(key) if value is None else value})
    ways.append({"$and": [*equal, {"pk": {"$lt" if reversed_ties(sort) else "$gt": cursor.tie}}]})
    return {"$or": ways}


def _cursor(sort: tuple[SortKey, ...], last: Document) -> str:
    keys = tuple(_plain(last[_name(number, key)]) for number, key in enumerate(sort))
    return encode(Cursor(keys, int(last["pk"])))


def _plain(value: Any) -> SortValue:
    """Without the driver's own types: its Int64 is an int that JSON does not know."""
    if value in (_LEAST, _LARGEST):
        return None
    return int(value) if isinstance(value, int) else value
