"""Bytes of any size. What does not fit beside the other fields of a document lies in parts of its own.

A MongoDB document holds 16 MiB at most. Parts are written before the document that names them and never
changed; a document that names none is whole.
"""

from __future__ import annotations

from typing import Any

from pymongo import InsertOne
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import BulkWriteError

from fhirserver.storage.mongo.errors import duplicates

Document = dict[str, Any]

INLINE = 4 * 1024 * 1024
"""The most bytes that a document carries itself."""
PART = 12 * 1024 * 1024


class Payloads:
    """Stores and loads the bytes of documents in the collection ``part``."""

    def __init__(self, parts: AsyncCollection[Document]):
        self._parts = parts

    async def store(self, name: str, data: bytes) -> Any:
        """What to put into the document for ``data``. ``name`` must belong to these bytes alone."""
        if len(data) <= INLINE:
            return data
        pieces = [data[at : at + PART] for at in range(0, len(data), PART)]
        for number, piece in enumerate(pieces):  # one by one: a message holds 48 MB at most
            await self._insert({"_id": f"{name}/{number}", "data": piece})
        return {"name": name, "parts": len(pieces)}

    async def _insert(self, part: Document) -> None:
        try:
            await self._parts.bulk_write([InsertOne(part)])
        except BulkWriteError as error:
            duplicates(error)  # the same bytes are there already

    async def load(self, field: Any) -> bytes:
        """The bytes that :meth:`store` put away."""
        if isinstance(field, bytes):
            return field
        pieces = []
        for number in range(field["parts"]):
            part = await self._parts.find_one({"_id": f"{field['name']}/{number}"})
            if part is None:
                raise LookupError(f"part {number} of {field['parts']} of a payload is missing")
            pieces.append(part["data"])
        return b"".join(pieces)

    async def drop(self, field: Any) -> None:
        """Forget the parts of a document that did not come to be."""
        if not isinstance(field, bytes):
            names = [f"{field['name']}/{number}" for number in range(field["parts"])]
            await self._parts.delete_many({"_id": {"$in": names}})
