from __future__ import annotations

from typing import Any

import pytest

from fhirserver.kernel.json import dumps
from fhirserver.search.expression import Query
from fhirserver.search.index import extract
from fhirserver.storage.memory.index import MemoryIndex
from tests.contracts.search_contract import Index, SearchContract


class Memory:
    def __init__(self) -> None:
        self.index = MemoryIndex()
        self.ids: dict[int, str] = {}

    async def put(self, pk: int, resource: dict[str, Any], updated: int) -> None:
        self.index.put(
            pk, resource["resourceType"], resource["id"], updated, extract(resource), dumps(resource)
        )
        self.ids[pk] = resource["id"]

    async def delete(self, pk: int, type: str, id: str) -> None:
        self.index.remove(pk, type)

    async def search(self, query: Query) -> tuple[list[str], str]:
        found, following = await self.index.select_settled(query)
        return [self.ids[pk] for pk in found], following

    async def count(self, query: Query) -> int:
        return await self.index.count_settled(query)


class TestMemorySearch(SearchContract):
    @pytest.fixture
    def index(self) -> Index:
        return Memory()
