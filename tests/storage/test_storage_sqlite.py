from __future__ import annotations

from pathlib import Path

import pytest

from tests.contracts.places import Place, SqlitePlace
from tests.contracts.storage_contract import SharedStorageContract


class TestSqlite(SharedStorageContract):
    @pytest.fixture
    def place(self, tmp_path: Path) -> Place:
        return SqlitePlace(tmp_path / "tenant.db")
