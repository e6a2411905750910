"""Access records on MongoDB: a document each, changed only where its revision is the one that was seen.

A majority holds every change on disk before it is acknowledged: no code is ever redeemed twice.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from typing import Any

from pymongo import ASCENDING
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from fhirserver.kernel.json import JsonObject, dumps, loads
from fhirserver.ports.access_records import AccessRecord
from fhirserver.storage.mongo.errors import translated
from fhirserver.storage.mongo.log import DURABLE
from fhirserver.storage.mongo.payloads import Document

_NEVER = 2**53
"""The end of what has none, so that one comparison tells what is live."""


class MongoAccessRecords:
    """See :class:`fhirserver.ports.access_records.AccessRecords`. ``now``: seconds since 1970."""

    def __init__(self, database: AsyncDatabase[Document], now: Callable[[], float] = time.time):
        self._records = database.get_collection("access_record", write_concern=DURABLE)
        self._now = now

    async def open(self) -> None:
        """Make the index by which records are found whose end has come."""
        await self._records.create_index([("expires", ASCENDING)])

    def _live(self) -> dict[str, Any]:
        return {"expires": {"$gt": int(self._now())}}

    async def read(self, key: str) -> AccessRecord | None:
        with translated():
            found = await self._records.find_one({"_id": key, **self._live()})
        return _record(found) if found else None

    async def find(self, prefix: str, after: str = "", limit: int = 1000) -> Sequence[AccessRecord]:
        wanted = {"_id": {"$regex": f"^{re.escape(prefix)}", "$gt": after}, **self._live()}
        with translated():
            found = self._records.find(wanted).sort("_id", ASCENDING).limit(limit)
            return [_record(document) async for document in found]

    async def swap(self, key: str, revision: int, value: JsonObject, expires: int | None = None) -> bool:
        content = {
            "revision": revision + 1,
            "value": dumps(value),
            "expires": _NEVER if expires is None else expires,
        }
        with translated():
            if not revision:
                return await self._put(key, content)
            seen = {"_id": key, "revision": revision, **self._live()}
            return (await self._records.update_one(seen, {"$set": content})).matched_count == 1

    async def _put(self, key: str, content: dict[str, Any]) -> bool:
        """Where there is none, or one whose end has come."""
        try:
            await self._records.insert_one({"_id": key, **content})
        except DuplicateKeyError:
            over = {"_id": key, "expires": {"$lte": int(self._now())}}
            return (await self._records.update_one(over, {"$set": content})).matched_count == 1
        return True

    async def remove(self, key: str, revision: int) -> bool:
        seen = {"_id": key, "revision": revision, **self._live()}
        with translated():
            return (await self._records.delete_one(seen)).deleted_count == 1

    async def forget_expired(self, most: int = 1000) -> int:
        over = {"expires": {"$lte": int(self._now())}}
        with translated():
            found = self._records.find(over, {"_id": True}).limit(most)
            keys = [document["_id"] async for document in found]
            if not keys:
                return 0
            return (await self._records.delete_many({"_id": {"$in": keys}, **over})).deleted_count


def _record(document: Document) -> AccessRecord:
    expires = document["expires"]
    value = loads(document["value"])
    return AccessRecord(document["_id"], document["revision"], value, None if expires == _NEVER else expires)
