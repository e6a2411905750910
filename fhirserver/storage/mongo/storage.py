"""MongoDB: one database per tenant; the insert of a log document is the commit, projections follow.

Works on a standalone, a replica set or a sharded cluster: nothing but "insert this key if it is absent" is
asked of the database for the commit. What a crash leaves unprojected is found by ``head`` and rolled forward
by whoever comes next. See ``docs/storage.md``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from pymongo import ASCENDING, DESCENDING, AsyncMongoClient, UpdateOne
from pymongo.errors import DuplicateKeyError, PyMongoError
from pymongo.write_concern import WriteConcern

from fhirserver.ports.log import Commit, LostRace
from fhirserver.ports.storage import (
    Fact,
    Head,
    HistoryPage,
    HistoryQuery,
    Key,
    Numbered,
    Page,
    Projection,
    Reindexed,
    Row,
    Version,
)
from fhirserver.search.expression import Query
from fhirserver.storage.mongo.access_records import MongoAccessRecords
from fhirserver.storage.mongo.audit import MongoTrail
from fhirserver.storage.mongo.cells import MongoCells
from fhirserver.storage.mongo.contained import MongoContained
from fhirserver.storage.mongo.documents import VERSION_FIELDS, fact_id, index_fields, to_fact, to_version
from fhirserver.storage.mongo.errors import translated
from fhirserver.storage.mongo.history import History
from fhirserver.storage.mongo.journals import MongoJournals
from fhirserver.storage.mongo.log import DURABLE, Log
from fhirserver.storage.mongo.payloads import Document, Payloads
from fhirserver.storage.mongo.projections import Projections
from fhirserver.storage.mongo.search import Search

_PROJECTED = "projected"
_PROJECT_ATTEMPTS = 3
_KEYS_AT_ONCE = 1000
_PATIENCE, _PAUSE = 0.1, 0.005
"""Seconds that the last batch is left to its writer, who is most likely projecting it this very moment."""
_MARK = WriteConcern(w=1)
"""The marker may be lost: it is then behind, and what is behind is projected again without effect."""


class MongoStorage:
    """One tenant in one database of the server at ``url``."""

    def __init__(self, url: str, database: str):
        self._url, self._name = url, database
        self._known = Head()

    async def open(self) -> None:
        with translated():
            self._client: AsyncMongoClient[Document] = AsyncMongoClient(_with_patience(self._url))
            try:
                await self._open()
            except BaseException:
                await self._client.close()
                raise

    async def _open(self) -> None:
        self._database = self._client.get_database(self._name, write_concern=DURABLE)
        self._payloads = Payloads(self._database["part"])
        self._log = Log(self._database, self._payloads)
        self._projections = Projections(self._database, self._payloads)
        self._resources = self._database["resource"]
        self._versions = self._database["version"]
        self._facts = self._database["fact"]
        self._search = Search(self._resources, self._payloads)
        self._contained = MongoContained(self._database, self._payloads)
        self._cells = MongoCells(self._database)
        self._trail = MongoTrail(self._database)
        self._access_records = MongoAccessRecords(self._database)
        self._journals = MongoJournals(self._database)
        self._history = History(self._resources, self._versions, self._payloads)
        self._state = self._database.get_collection("state", write_concern=_MARK)
        await self._log.open()
        await self._create_indexes()
        await self._create_marker()

    @property
    def contained(self) -> MongoContained:
        return self._contained

    @property
    def cells(self) -> MongoCells:
        return self._cells

    @property
    def trail(self) -> MongoTrail:
        return self._trail

    @property
    def access_records(self) -> MongoAccessRecords:
        return self._access_records

    @property
    def journals(self) -> MongoJournals:
        return self._journals

    async def _create_indexes(self) -> None:
        await self._search.open()
        await self._history.open()
        await self._access_records.open()
        await self._journals.open()

    async def _create_marker(self) -> None:
        try:
            await self._state.insert_one({"_id": _PROJECTED, "position": 0})
        except DuplicateKeyError:
            return

    async def sizes(self) -> Mapping[str, int]:
        """What the database says of itself: the documents, what they take on disk, and the indexes."""
        with translated():
            said = await self._database.command("dbStats")
        parts = {"documents": "dataSize", "storage": "storageSize", "indexes": "indexSize"}
        return {part: int(said[name]) for part, name in parts.items() if name in said}

    async def close(self) -> None:
        await self._client.close()

    # writing

    async def append(self, expected: int, commits: Sequence[Commit], projection: Projection) -> None:
        with translated():
            await self._check_end(expected)
            await self._log.append(expected, commits)
            last = commits[-1]
            self._known = Head(last.position, last.serial, last.recorded, last.position)
            await self._project_surely(projection, last.position)
            await self._mark(last.position, expected)

    async def _check_end(self, expected: int) -> None:
        """``expected`` must be the end of the log, and projected up to there."""
        if (self._known.position, self._known.projected) != (expected, expected):
            await self._read_head()
        if (self._known.position, self._known.projected) != (expected, expected):
            raise LostRace

    async def _project_surely(self, projection: Projection, position: int) -> None:
        """The batch is committed: an error now would call a write failed that was made. So try again."""
        for attempt in range(_PROJECT_ATTEMPTS):
            try:
                await self._projections.write(projection, position)
            except PyMongoError:
                if attempt + 1 == _PROJECT_ATTEMPTS:
                    raise
                await asyncio.sleep(0.2 * 2**attempt)
            else:
                return

    async def _mark(self, position: int, behind: int = 0) -> None:
        """Move the marker on, from no earlier than ``behind``: all up to there must be projected too."""
        allowed = {"_id": _PROJECTED, "position": {"$gte": behind, "$lt": position}}
        await self._state.update_one(allowed, {"$set": {"position": position}})

    async def project(self, projection: Projection, position: int | None = None) -> None:
        with translated():
            await self._projections.write(projection, position)
            if position is not None:
                await self._mark(position)

    async def reindex(self, type: str, codes: frozenset[str], resources: Sequence[Reindexed]) -> None:
        """All fields of the index are set: they hold other codes as well."""
        writes = [
            UpdateOne(
                {"_id": str(one.key), "version": one.version, "deleted": False},
                {"$set": index_fields(one.values)},
            )
            for one in resources
        ]
        if writes:
            with translated():
                await self._resources.bulk_write(writes, ordered=False)

    async def indexed_params(self) -> set[tuple[str, str]]:
        with translated():
            types = await self._resources.distinct("type")
            return {
                (type, param)
                for type in types
                for param in await self._resources.distinct("has", {"type": type, "deleted": False})
            }

    async def clear_projections(self) -> None:
        """Empty all but the log.

        Marker first, facts before resources, old versions last: a crash in between leaves a state from which
        rolling forward makes everything again.
        """
        with translated():
            durable = self._state.with_options(write_concern=DURABLE)
            await durable.update_one({"_id": _PROJECTED}, {"$set": {"position": 0}})
            self._known = Head()
            for collection in (self._facts, self._resources, self._versions):
                await collection.delete_many({})
            await self._database["part"].delete_many({"_id": {"$gte": "resource/", "$lt": "resource0"}})

    # reading

    async def head(self) -> Head:
        with translated():
            return await self._read_head()

    async def _read_head(self) -> Head:
        projected, end = await asyncio.gather(self._read_marker(), self._log.end())
        waited = 0.0
        while end.before == projected < end.position and waited < _PATIENCE:
            await asyncio.sleep(_PAUSE)
            waited += _PAUSE
            projected, end = await asyncio.gather(self._read_marker(), self._log.end())
        self._known = Head(end.position, end.serial, end.recorded, min(projected, end.position))
        return self._known

    async def _read_marker(self) -> int:
        marker = await self._state.find_one({"_id": _PROJECTED})
        return marker["position"] if marker else 0

    async def read_log(self, after: int, limit: int) -> Sequence[Commit]:
        with translated():
            return await self._log.read(after, limit)

    async def read(self, type: str, id: str) -> Version | None:
        key = Key(type, id)
        with translated():
            found = await self._resources.find_one({"_id": str(key)}, VERSION_FIELDS)
            return await self._version(key, found) if found else None

    async def _version(self, key: Key, document: Document) -> Version:
        return to_version(key, document, await self._payloads.load(document["content"]))

    async def rows(self, keys: Iterable[Key]) -> dict[Key, Row]:
        wanted = {str(key): key for key in keys}
        names = iter(wanted)
        rows: dict[Key, Row] = {}
        with translated():
            while some := list(islice(names, _KEYS_AT_ONCE)):
                fields = {**VERSION_FIELDS, "pk": 1, "ledger": 1}
                async for found in self._resources.find({"_id": {"$in": some}}, fields):
                    key = wanted[found["_id"]]
                    ledger = await self._payloads.load(found["ledger"])
                    rows[key] = Row(found["pk"], await self._version(key, found), ledger)
        return rows

    async def read_version(self, type: str, id: str, version: int) -> Version | None:
        current = await self.read(type, id)
        if current is None or current.version == version:
            return current
        key = Key(type, id)
        with translated():
            found = await self._versions.find_one({"_id": f"{key}/{version}"})
            return await self._version(key, found) if found else None

    async def versions_at(self, keys: Iterable[Key], position: int) -> dict[Key, Numbered]:
        """The current version is read first, so that one that becomes old meanwhile is not missed."""
        wanted = {str(key): key for key in keys}
        names = iter(wanted)
        found: dict[Key, Numbered] = {}
        with translated():
            while some := list(islice(names, _KEYS_AT_ONCE)):
                async for one in self._resources.find({"_id": {"$in": some}}, {**VERSION_FIELDS, "pk": 1}):
                    key = wanted[one["_id"]]
                    version = await self._version_at(key, one, position)
                    if version is not None:
                        found[key] = Numbered(one["pk"], version)
        return found

    async def _version_at(self, key: Key, newest: Document, position: int) -> Version | None:
        if newest["position"] <= position:
            return await self._version(key, newest)
        asked = {"key": str(key), "position": {"$lte": position}}
        older = await self._versions.find_one(asked, sort=[("version", DESCENDING)])
        return await self._version(key, older) if older else None

    async def history(self, type: str, id: str, count: int, before: int | None) -> Sequence[Version]:
        """The current version is read first, so that one that becomes old meanwhile is not missed."""
        current = await self.read(type, id)
        if current is None:
            return []
        key = Key(type, id)
        limit = min(current.version, before if before is not None else current.version)
        found = [current] if before is None or current.version < before else []
        with translated():
            old = self._versions.find(
                {"key": str(key), "version": {"$lt": limit}}, sort=[("version", DESCENDING)]
            )
            async for document in old.limit(max(count - len(found), 0) or 1):
                found.append(await self._version(key, document))
        return found[:count]

    async def select_history(self, query: HistoryQuery) -> HistoryPage:
        with translated():
            return await self._history.page(query)

    async def count_history(self, query: HistoryQuery) -> int:
        with translated():
            return await self._history.count(query)

    async def settle(self, count: int) -> bool:
        """Nothing is put off."""
        return False

    async def search(self, query: Query) -> Page:
        with translated():
            return await self._search.page(query)

    async def explain(self, query: Query) -> Sequence[str]:
        with translated():
            return await self._search.explain(query)

    async def count(self, query: Query) -> int:
        with translated():
            return await self._search.count(query)

    async def in_use(self, type: str, param: str) -> Sequence[tuple[str, str]]:
        with translated():
            return await self._search.in_use(type, param)

    async def fact(self, kind: str, key: str) -> Fact | None:
        with translated():
            found = await self._facts.find_one({"_id": fact_id(kind, key)})
            return to_fact(kind, found) if found else None

    async def facts_named(self, names: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Fact]:
        ids = {fact_id(*name): name for name in names}
        if not ids:
            return {}
        with translated():
            found = self._facts.find({"_id": {"$in": list(ids)}})
            return {ids[one["_id"]]: to_fact(ids[one["_id"]][0], one) async for one in found}

    async def facts(self, kind: str, prefix: str = "") -> Sequence[Fact]:
        first = fact_id(kind, prefix)
        asked = {"_id": {"$gte": first, "$lt": first + "\U0010ffff"}}
        with translated():
            found = self._facts.find(asked, sort=[("_id", ASCENDING)])
            return [to_fact(kind, document) async for document in found]

    async def dump(self) -> Iterable[bytes]:
        with translated():
            return [line async for line in self._dump()]

    async def _dump(self) -> AsyncIterator[bytes]:
        """``at`` is left out: it says how the document came to be, not what it is."""
        async for found in self._resources.find({}, {"at": 0}, sort=[("pk", ASCENDING)]):
            yield repr(await self._whole(found, "content", "ledger")).encode()
        async for found in self._versions.find({}, sort=[("key", ASCENDING), ("version", ASCENDING)]):
            yield repr(await self._whole(found, "content")).encode()
        async for found in self._facts.find({}, sort=[("_id", ASCENDING)]):
            yield repr(sorted(found.items())).encode()

    async def _whole(self, document: Document, *payloads: str) -> list[tuple[str, Any]]:
        loaded = {name: await self._payloads.load(document[name]) for name in payloads}
        return sorted({**document, **loaded}.items())


def _with_patience(url: str) -> str:
    """The driver waits 30 seconds for a server to turn up; callers have given up by then."""
    if "serverselectiontimeoutms" in url.lower():
        return url
    scheme, _, rest = url.partition("://")
    hosts, _, tail = rest.partition("/")
    return f"{scheme}://{hosts}/{tail}{'&' if '?' in tail else '?'}serverSelectionTimeoutMS=10000"
