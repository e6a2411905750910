from __future__ import annotations

import pytest

from tests.contracts.places import MemoryPlace, Place
from tests.contracts.storage_contract import StorageContract


class TestMemory(StorageContract):
    @pytest.fixture
    def place(self) -> Place:
        return MemoryPlace()
