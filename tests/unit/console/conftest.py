from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.facade import Facade, facade


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Facade]:
    async with facade(tmp_path) as running:
        yield running
