"""The search contract through the whole MongoDB storage: documents, filters, joins, order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fhirserver.kernel.instants import instant
from fhirserver.kernel.json import dumps
from fhirserver.ports.storage import Change, Projection, Row, Storage, Version
from fhirserver.search.expression import Query
from fhirserver.search.index import extract
from tests.contracts.places import MongoPlace, connected
from tests.contracts.search_contract import Index, SearchContract

pytestmark = [pytest.mark.mongo, pytest.mark.xdist_group("mongo")]


class Mongo:
    """Puts resources into the storage as projections, all that are new with the next question as one."""

    def __init__(self, storage: Storage):
        self._storage = storage
        self._versions: dict[int, int] = {}
        self._position = 0
        self._new: list[Change] = []

    async def put(self, pk: int, resource: dict[str, Any], updated: int) -> None:
        recorded = instant(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=updated))
        await self._write(pk, resource["resourceType"], resource["id"], recorded, resource)

    async def delete(self, pk: int, type: str, id: str) -> None:
        await self._write(pk, type, id, "2026-11-22T14:47:00.000Z", None)

    async def _write(
        self, pk: int, type: str, id: str, recorded: str, resource: dict[str, Any] | None
    ) -> None:
        if pk in self._versions:
            await self._flush()
        self._position += 1
        self._versions[pk] = number = self._versions.get(pk, 0) + 1
        content = b"" if resource is None else dumps(resource)
        version = Version(type, id, number, self._position, recorded, resource is None, content)
        change = Change(Row(pk, version, b"{}"), True, (), extract(resource) if resource else ())
        self._new.append(change)

    async def _flush(self) -> None:
        changes, self._new = self._new, []
        if changes:
            await self._storage.project(Projection(changes, ()))

    async def search(self, query: Query) -> tuple[list[str], str]:
        await self._flush()
        page = await self._storage.search(query)
        return [version.id for version in page.versions], page.cursor

    async def count(self, query: Query) -> int:
        await self._flush()
        return await self._storage.count(query)


class TestMongoSearch(SearchContract):
    """Fewer pages and combinations: SecantusDB takes a tenth of a second for each."""

    page_sizes = (3, 8)
    combinations = 50

    @pytest.fixture
    async def index(self, mongo_place: MongoPlace) -> AsyncIterator[Index]:
        async with connected(mongo_place) as storage:
            yield Mongo(storage)
