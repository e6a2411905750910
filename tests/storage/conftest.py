from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from pymongo import MongoClient

from fhirserver.kernel.ids import new_id
from tests.contracts.places import MongoPlace
from tests.mongo_server import mongo_url_or_skip


@pytest.fixture(scope="session")
def mongo_url() -> Iterator[str]:
    """One server for all tests of a process."""
    yield from mongo_url_or_skip()


@pytest.fixture
def mongo_place(mongo_url: str) -> Iterator[MongoPlace]:
    """A database of its own, dropped at the end where the server outlives the tests."""
    database = f"credence-test-{new_id()}"
    yield MongoPlace(mongo_url, database)
    if "MONGODB_URL" not in os.environ:
        return
    client: MongoClient[dict[str, object]] = MongoClient(mongo_url)
    client.drop_database(database)
    client.close()
