"""Search parameters that users define, on every storage."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contracts.parameters_contract import ParametersContract
from tests.contracts.places import MemoryPlace, MongoPlace, Place, SharedSqlitePlace, SqlitePlace


class TestMemory(ParametersContract):
    @pytest.fixture
    def place(self) -> Place:
        return MemoryPlace()


class TestSqlite(ParametersContract):
    @pytest.fixture
    def place(self, tmp_path: Path) -> Place:
        return SqlitePlace(tmp_path / "credence.db")


class TestSharedSqlite(ParametersContract):
    @pytest.fixture
    def place(self, tmp_path: Path) -> Place:
        return SharedSqlitePlace(tmp_path / "credence.db")


@pytest.mark.mongo
@pytest.mark.xdist_group("mongo")
class TestMongo(ParametersContract):
    @pytest.fixture
    def place(self, mongo_place: MongoPlace) -> Place:
        return mongo_place
