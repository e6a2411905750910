"""The audit trail on MongoDB: a document for each batch, whose ``_id`` is its number.

A majority holds each before it counts as written, and of several processes that write the same number one does.
"""

from __future__ import annotations

from collections.abc import Sequence

from bson import Binary
from pymongo import ASCENDING, DESCENDING
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from fhirserver.ports.audit import Sealed
from fhirserver.storage.mongo.errors import translated
from fhirserver.storage.mongo.log import DURABLE
from fhirserver.storage.mongo.payloads import Document

_BYTES = ("commits", "data", "previous", "seal")


class MongoTrail:
    """See :class:`fhirserver.ports.audit.Trail`."""

    def __init__(self, database: AsyncDatabase[Document]):
        self._batches = database.get_collection("audit", write_concern=DURABLE)
        self._indexed = False

    async def append(self, batch: Sealed) -> bool:
        with translated():
            if not self._indexed:
                await self._batches.create_index([("until", ASCENDING), ("since", ASCENDING)])
                self._indexed = True
            end = await self._batches.find_one({}, {"_id": 1}, sort=[("_id", DESCENDING)])
            if batch.number != (end["_id"] if end else 0) + 1:
                return False
            try:
                await self._batches.insert_one(_document(batch))
            except DuplicateKeyError:
                return False
            return True

    async def last(self) -> Sealed | None:
        with translated():
            found = await self._batches.find_one({}, sort=[("_id", DESCENDING)])
            return _sealed(found) if found else None

    async def read(self, after: int, limit: int) -> Sequence[Sealed]:
        with translated():
            found = self._batches.find({"_id": {"$gt": after}}).sort("_id", ASCENDING).limit(limit)
            return [_sealed(document) async for document in found]

    async def between(self, low: int, high: int) -> Sequence[int]:
        asked = {"until": {"$gte": low}, "since": {"$lt": high}}
        with translated():
            found = self._batches.find(asked, {"_id": 1}).sort("_id", ASCENDING)
            return [document["_id"] async for document in found]

    async def drop(self, number: int) -> int:
        with translated():
            end = await self._batches.find_one({}, {"_id": 1}, sort=[("_id", DESCENDING)])
            most = min(number, end["_id"] - 1) if end else 0
            return (await self._batches.delete_many({"_id": {"$lte": most}})).deleted_count


def _document(batch: Sealed) -> Document:
    members = batch._asdict()
    return {"_id": members.pop("number"), **{n: Binary(v) if n in _BYTES else v for n, v in members.items()}}


def _sealed(document: Document) -> Sealed:
    members: Document = {n: bytes(v) if n in _BYTES else v for n, v in document.items()}
    return Sealed(number=members.pop("_id"), **members)
