"""Versions of one resource, one type or all, by last update: newest first or oldest first, page by page."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel, UpdateOne
from pymongo.asynchronous.collection import AsyncCollection

from fhirserver.kernel.instants import microseconds
from fhirserver.ports.storage import HistoryPage, HistoryQuery, Key, Place
from fhirserver.storage.mongo.documents import VERSION_FIELDS, to_version
from fhirserver.storage.mongo.filters import NONE, Filter
from fhirserver.storage.mongo.payloads import Document, Payloads

_IN_ORDER = [(name, ASCENDING) for name in Place._fields]
_FIELDS = {"type": 1, "id": 1, "pk": 1, "updated": 1, **VERSION_FIELDS}


class History:
    """Reads the current versions and the older ones, each from its collection."""

    def __init__(
        self,
        resources: AsyncCollection[Document],
        versions: AsyncCollection[Document],
        payloads: Payloads,
    ):
        self._resources, self._versions, self._payloads = resources, versions, payloads

    async def open(self) -> None:
        by_type = [("type", ASCENDING), *_IN_ORDER]
        await self._resources.create_indexes([IndexModel(_IN_ORDER), IndexModel(by_type)])
        by_key = [("key", ASCENDING), ("version", DESCENDING)]
        await self._versions.create_indexes([IndexModel(keys) for keys in (by_key, _IN_ORDER, by_type)])
        await self._complete()

    async def _complete(self) -> None:
        """Give versions from before these fields what they would hold."""
        while await self._versions.find_one({"ended": {"$exists": False}}, {"_id": 1}):
            found = self._versions.find(
                {"ended": {"$exists": False}}, {"key": 1, "version": 1, "recorded": 1}
            )
            writes = [await self._completed(one) async for one in found.limit(500)]
            await self._versions.bulk_write(writes, ordered=False)

    async def _completed(self, old: Document) -> UpdateOne:
        resource = await self._resources.find_one({"_id": old["key"]}, {"pk": 1, "recorded": 1})
        later = {"key": old["key"], "version": {"$gt": old["version"]}}
        following = await self._versions.find_one(later, {"recorded": 1}, sort=[("version", ASCENDING)])
        ended = (following or resource or old)["recorded"]
        type_name, _, id = old["key"].partition("/")
        fields = {
            "type": type_name,
            "id": id,
            "pk": resource["pk"] if resource else 0,
            "updated": microseconds(old["recorded"]),
            "ended": microseconds(ended),
        }
        return UpdateOne({"_id": old["_id"]}, {"$set": fields})

    async def page(self, query: HistoryQuery) -> HistoryPage:
        """Current versions are read first: one that becomes old meanwhile is met twice, not missed."""
        if query.count <= 0:
            return HistoryPage(())
        found = await self._read(self._resources, query, _current(query))
        found.update(await self._read(self._versions, query, _old(query)))
        places = sorted(found, reverse=not query.ascending)[: query.count]
        versions = [
            to_version(Key(one["type"], one["id"]), one, await self._payloads.load(one["content"]))
            for one in map(found.__getitem__, places)
        ]
        return HistoryPage(versions, places[-1] if len(found) > query.count else None)

    async def _read(
        self, collection: AsyncCollection[Document], query: HistoryQuery, filters: Iterable[Filter]
    ) -> dict[Place, Document]:
        way = ASCENDING if query.ascending else DESCENDING
        order = [(name, way) for name, _ in _IN_ORDER]
        asked = _all([*filters, *_behind(query)])
        found = collection.find(asked, _FIELDS, sort=order, limit=query.count + 1)
        return {Place(*(int(one[name]) for name in Place._fields)): one async for one in found}

    async def count(self, query: HistoryQuery) -> int:
        current = await self._resources.count_documents(_all(_current(query)))
        return current + await self._versions.count_documents(_all(_old(query)))


def _all(filters: list[Filter]) -> Filter:
    return {"$and": filters} if filters else {}


def _current(query: HistoryQuery) -> list[Filter]:
    filters = _scope(query, "_id")
    if query.at is not None:
        low, high = query.at
        filters += [{"updated": {"$lt": high}}, {"$or": [{"deleted": False}, {"updated": {"$gte": low}}]}]
    return filters


def _old(query: HistoryQuery) -> list[Filter]:
    filters = _scope(query, "key")
    if query.at is not None:
        low, high = query.at
        ended: Filter = {"deleted": False, "ended": {"$gt": low}}
        filters += [{"updated": {"$lt": high}}, {"$or": [{"updated": {"$gte": low}}, ended]}]
    return filters


def _scope(query: HistoryQuery, key: str) -> list[Filter]:
    filters: list[Filter] = []
    keys = query.keys
    if keys is not None:
        filters.append({key: {"$in": sorted(map(str, keys))}} if keys else NONE)
    if query.type:
        filters.append({"type": query.type})
    if query.since is not None:
        filters.append({"updated": {"$gte": query.since}})
    return filters


def _behind(query: HistoryQuery) -> list[Filter]:
    if query.after is None:
        return []
    beyond = "$gt" if query.ascending else "$lt"
    equal: Filter = {}
    ways: list[Any] = []
    for name, last in zip(Place._fields, query.after, strict=True):
        ways.append({**equal, name: {beyond: last}})
        equal[name] = last
    return [{"$or": ways}]
