from __future__ import annotations

import pytest

from tests.contracts.places import MongoPlace, Place
from tests.contracts.processes_contract import SharedStorageContract

pytestmark = [pytest.mark.mongo, pytest.mark.xdist_group("mongo")]


class TestMongo(SharedStorageContract):
    """The whole contract against a real server."""

    @pytest.fixture
    def place(self, mongo_place: MongoPlace) -> Place:
        return mongo_place
