"""Contained resources on MongoDB: a collection of their own, searched like the resources.

A document is never older than it was: its guard is the container's version. What a container no longer holds
is marked deleted. https://hl7.org/fhir/R4/search.html#contained
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import replace

from pymongo import ASCENDING
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from fhirserver.kernel.instants import microseconds
from fhirserver.ports.contained import Container, Inside, Reached
from fhirserver.ports.storage import Page
from fhirserver.search.expression import And, Expression, IdIs, Not, Or, Query, TokenIs
from fhirserver.search.values import TokenValue
from fhirserver.storage.mongo.documents import index_fields
from fhirserver.storage.mongo.errors import translated
from fhirserver.storage.mongo.guarded import Guarded, write_guarded
from fhirserver.storage.mongo.guarded import replace as replaced
from fhirserver.storage.mongo.payloads import Document, Payloads
from fhirserver.storage.mongo.search import Search

_STATE = "contained"
_LOCAL = "_id"
"""The param of the local id: ``_id`` of a document is its number."""


class MongoContained:
    """The indexes are made when it is first used."""

    def __init__(self, database: AsyncDatabase[Document], payloads: Payloads):
        self._resources = database["contained"]
        self._state = database["state"]
        self._search = Search(self._resources, payloads)
        self._opened = False

    async def _open(self) -> None:
        if self._opened:
            return
        await self._search.open()
        await self._resources.create_index([("pk", ASCENDING)])
        with contextlib.suppress(DuplicateKeyError):
            await self._state.insert_one({"_id": _STATE, **Reached()._asdict()})
        self._opened = True

    async def reached(self) -> Reached:
        with translated():
            await self._open()
            state = await self._state.find_one({"_id": _STATE}) or {}
            return Reached(*(state[name] for name in Reached._fields))

    async def put(self, before: Reached, after: Reached, containers: Sequence[Container]) -> bool:
        with translated():
            await self._open()
            writes = [write for container in containers for write in await self._writes(container)]
            await write_guarded(self._resources, "at", writes)
            moved = await self._state.update_one(
                {"_id": _STATE, **before._asdict()}, {"$set": after._asdict()}
            )
            return moved.matched_count == 1

    async def _writes(self, container: Container) -> list[Guarded]:
        fresh = [_document(container, one) for one in container.inside]
        first, beyond = container.numbers
        known = self._resources.find({"pk": {"$gte": first, "$lt": beyond}}, {"_id": 1, "pk": 1, "type": 1})
        kept = {document["_id"] for document in fresh}
        gone = [_gone(container, one) async for one in known if one["_id"] not in kept]
        return [replaced(document, "at") for document in (*fresh, *gone)]

    async def clear(self) -> None:
        with translated():
            await self._open()
            await self._state.update_one({"_id": _STATE}, {"$set": Reached()._asdict()})
            await self._resources.delete_many({})

    async def search(self, query: Query) -> Page:
        with translated():
            await self._open()
            return await self._search.page(_localised(query))

    async def count(self, query: Query) -> int:
        with translated():
            await self._open()
            return await self._search.count(_localised(query))

    async def dump(self) -> Iterable[bytes]:
        with translated():
            await self._open()
            found = self._resources.find({"deleted": False}, sort=[("pk", ASCENDING)])
            return [repr(sorted(document.items())).encode() async for document in found]


def _localised(query: Query) -> Query:
    """The query with local ids for logical ids."""
    return replace(query, where=_local(query.where), wheres=tuple(map(_local, query.wheres)))


def _local(expression: Expression) -> Expression:
    match expression:
        case IdIs(id):
            return TokenIs(_LOCAL, "", id)
        case And(of):
            return And(tuple(map(_local, of)))
        case Or(of):
            return Or(tuple(map(_local, of)))
        case Not(of):
            return Not(_local(of))
    return expression


def _document(container: Container, one: Inside) -> Document:
    number = container.number(one)
    return {
        "_id": str(number),
        "at": container.version,
        "type": one.type,
        "id": one.id,
        "pk": number,
        "version": container.version,
        "position": 0,
        "recorded": container.recorded,
        "deleted": False,
        "content": container.place,
        "updated": microseconds(container.recorded),
        **index_fields([*one.values, TokenValue(_LOCAL, "", one.id)]),
    }


def _gone(container: Container, known: Document) -> Document:
    return {**known, "at": container.version, "deleted": True}
