"""Journals on MongoDB: a document for what was appended at once, under the number of its first entry.

The insert decides. Whoever appends has seen that the journal ends where it believes; somebody who came in between has
taken the same number, and one of the two inserts fails.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from pymongo import ASCENDING, DESCENDING
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from fhirserver.kernel.json import JsonObject, dumps, loads
from fhirserver.ports.journals import Entry
from fhirserver.storage.mongo.errors import translated
from fhirserver.storage.mongo.log import DURABLE
from fhirserver.storage.mongo.payloads import Document


class MongoJournals:
    """See :class:`fhirserver.ports.journals.Journals`. ``first`` and ``last`` are the numbers in a document."""

    def __init__(self, database: AsyncDatabase[Document]):
        self._entries = database.get_collection("journal", write_concern=DURABLE)

    async def open(self) -> None:
        """Create the indexes."""
        await self._entries.create_index([("name", ASCENDING), ("first", ASCENDING)], unique=True)

    async def append(self, name: str, after: int, values: Sequence[JsonObject]) -> bool:
        with translated():
            if await self._last(name) != after:
                return False
            if not values:
                return True
            entry: dict[str, Any] = {"name": name, "first": after + 1, "last": after + len(values)}
            try:
                await self._entries.insert_one({**entry, "values": [dumps(value) for value in values]})
            except DuplicateKeyError:
                return False
            return True

    async def _last(self, name: str) -> int:
        found = self._entries.find({"name": name}, {"last": 1}).sort("first", DESCENDING).limit(1)
        return next((int(document["last"]) for document in await found.to_list()), 0)

    async def read(self, name: str, after: int = 0, limit: int = 1000) -> Sequence[Entry]:
        entries: list[Entry] = []
        wanted = {"name": name, "last": {"$gt": after}}
        with translated():
            found = self._entries.find(wanted).sort("first", ASCENDING).limit(limit)
            async for document in found:
                numbered = enumerate(document["values"], document["first"])
                entries += [Entry(number, loads(value)) for number, value in numbered if number > after]
                if len(entries) >= limit:
                    break
        return entries[:limit]

    async def names(self, prefix: str, after: str = "", limit: int = 1000) -> Sequence[str]:
        wanted = {"name": {"$regex": f"^{re.escape(prefix)}", "$gt": after}, "first": 1}
        with translated():
            found = self._entries.find(wanted, {"name": 1}).sort("name", ASCENDING).limit(limit)
            return [str(document["name"]) async for document in found]

    async def remove(self, name: str) -> None:
        with translated():
            await self._entries.delete_many({"name": name})
