from __future__ import annotations

from collections.abc import Iterator

import pytest
from pymongo import MongoClient

from fhirserver.kernel.ids import new_id
from tests.contracts.places import MongoPlace
from tests.contracts.storage_contract import SharedStorageContract
from tests.mongo_server import mongo_url_or_skip

pytestmark = [pytest.mark.mongo, pytest.mark.xdist_group("mongo")]


@pytest.fixture(scope="module")
def mongo_url() -> Iterator[str]:
    yield from mongo_url_or_skip()


@pytest.fixture
def place(mongo_url: str) -> Iterator[MongoPlace]:
    """A database of its own, dropped at the end."""
    database = f"credence-test-{new_id()}"
    yield MongoPlace(mongo_url, database)
    client: MongoClient[dict[str, object]] = MongoClient(mongo_url)
    client.drop_database(database)
    client.close()


class TestMongo(SharedStorageContract):
    """The whole contract against a real server."""
