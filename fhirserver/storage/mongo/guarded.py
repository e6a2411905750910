"""Writes that never put an older state over a newer one, and inserts that may find their document there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pymongo import InsertOne, ReplaceOne, UpdateOne
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import BulkWriteError, OperationFailure

from fhirserver.storage.mongo.errors import duplicates
from fhirserver.storage.mongo.payloads import Document

_ATTEMPTS = 8


@dataclass(frozen=True, slots=True)
class Guarded:
    """A write on one document that applies only where the guard field is below ``at``."""

    id: str
    at: int
    operation: ReplaceOne[Document] | UpdateOne


def replace(document: Document, guard: str) -> Guarded:
    """Replace the document, or insert it, unless the one there has gone as far."""
    at = document[guard]
    behind = {"_id": document["_id"], guard: {"$lt": at}}
    return Guarded(document["_id"], at, ReplaceOne(behind, document, upsert=True))


def update(id: str, fields: Document, guard: str) -> Guarded:
    """Set fields of a document that is there, unless it has gone as far."""
    at = fields[guard]
    return Guarded(id, at, UpdateOne({"_id": id, guard: {"$lt": at}}, {"$set": fields}))


async def write_guarded(collection: AsyncCollection[Document], guard: str, writes: Sequence[Guarded]) -> None:
    """Apply the writes. A replacement whose guard fails tries to insert and meets the key.

    Mostly that says that the document is further already; but two that insert at once may meet each other
    too, so those still behind are tried again.
    """
    pending = list(writes)
    for _ in range(_ATTEMPTS):
        refused = await _refused(collection, [write.operation for write in pending])
        if not refused:
            return
        pending = await _behind(collection, guard, [pending[number] for number in refused])
        if not pending:
            return
    raise OperationFailure("a projected document kept changing under its writer")


async def insert_missing(collection: AsyncCollection[Document], documents: Sequence[Document]) -> None:
    """Insert the documents that are not there. They never change, so one that is there is the same."""
    await _refused(collection, [InsertOne(document) for document in documents])


async def _refused(collection: AsyncCollection[Document], operations: Sequence[Any]) -> list[int]:
    if not operations:
        return []
    try:
        await collection.bulk_write(operations, ordered=False)
    except BulkWriteError as error:
        return duplicates(error)
    return []


async def _behind(
    collection: AsyncCollection[Document], guard: str, writes: Sequence[Guarded]
) -> list[Guarded]:
    found = collection.find({"_id": {"$in": [write.id for write in writes]}}, {guard: 1})
    reached = {document["_id"]: document[guard] async for document in found}
    return [write for write in writes if reached.get(write.id, -1) < write.at]
