"""Cells on MongoDB: a document each, changed only where its revision is the one that was seen.

A majority holds every change: what is acknowledged can never be rolled back, so no lease is given twice.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pymongo import ASCENDING
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from fhirserver.kernel.json import JsonObject, dumps, loads
from fhirserver.ports.cells import Cell
from fhirserver.storage.mongo.errors import translated
from fhirserver.storage.mongo.log import DURABLE
from fhirserver.storage.mongo.payloads import Document


class MongoCells:
    """See :class:`fhirserver.ports.cells.Cells`."""

    def __init__(self, database: AsyncDatabase[Document]):
        self._cells = database.get_collection("cell", write_concern=DURABLE)

    async def read(self, key: str) -> Cell | None:
        with translated():
            found = await self._cells.find_one({"_id": key})
        return _cell(found) if found else None

    async def find(self, prefix: str) -> Sequence[Cell]:
        with translated():
            found = self._cells.find({"_id": {"$regex": f"^{re.escape(prefix)}"}}).sort("_id", ASCENDING)
            return [_cell(document) async for document in found]

    async def swap(self, key: str, revision: int, value: JsonObject) -> bool:
        with translated():
            if not revision:
                return await self._insert({"_id": key, "revision": 1, "value": dumps(value)})
            seen = {"_id": key, "revision": revision}
            change = {"$set": {"revision": revision + 1, "value": dumps(value)}}
            return (await self._cells.update_one(seen, change)).matched_count == 1

    async def _insert(self, document: Document) -> bool:
        try:
            await self._cells.insert_one(document)
        except DuplicateKeyError:
            return False
        return True

    async def remove(self, key: str, revision: int) -> bool:
        with translated():
            return (await self._cells.delete_one({"_id": key, "revision": revision})).deleted_count == 1


def _cell(document: Document) -> Cell:
    return Cell(document["_id"], document["revision"], loads(document["value"]))
