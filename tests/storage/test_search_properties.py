"""Keyset paging under concurrent writes, and chains of any depth, looked into by hypothesis on every storage."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contracts.graphs import chains_agree
from tests.contracts.paging import pages_stay_put
from tests.contracts.places import MongoPlace, connected
from tests.storage.test_search_memory import Memory
from tests.storage.test_search_sqlite import Sqlite
from tests.storage.test_storage_mongo_search import Mongo

Round = Callable[[Any, Random], Awaitable[None]]
CHANCE = st.integers(0, 2**32).map(Random)
ROUNDS = [pages_stay_put, chains_agree]
MONGO_ROUNDS = 6


@pytest.mark.parametrize("round", ROUNDS)
@given(chance=CHANCE)
@settings(max_examples=100, deadline=None)
def test_in_memory(round: Round, chance: Random) -> None:
    asyncio.run(_run(round, Memory(), chance))


@pytest.mark.parametrize("round", ROUNDS)
@pytest.mark.parametrize("many", [2000, 0])
@given(chance=CHANCE)
@settings(max_examples=50, deadline=None)
def test_in_sqlite(round: Round, many: int, chance: Random) -> None:
    """``many`` 0: no source is narrow, as when there are very many resources."""
    from fhirserver.storage.sqlite import index_plan

    index = Sqlite()
    before, index_plan.MANY = index_plan.MANY, many  # type: ignore[misc]
    try:
        asyncio.run(_run(round, index, chance))
    finally:
        index_plan.MANY = before  # type: ignore[misc]
        index.connection.close()


async def _run(round: Round, index: Any, chance: Random) -> None:
    await round(index, chance)


@pytest.mark.mongo
@pytest.mark.xdist_group("mongo")
@pytest.mark.parametrize("round", ROUNDS)
async def test_in_mongo(round: Round, mongo_place: MongoPlace) -> None:
    for seed in range(MONGO_ROUNDS):
        async with connected(MongoPlace(mongo_place.url, f"{mongo_place.database}-{seed}")) as storage:
            await round(Mongo(storage), Random(seed))
            await storage.clear_projections()
