from __future__ import annotations

import pytest

from tests.desk import Desk


@pytest.fixture(params=[False, True], ids=["kept", "reloaded"])
def desk(request: pytest.FixtureRequest) -> Desk:
    """Entities are kept in memory, or written to a row and read back after every commit."""
    made = Desk()
    made.reload = request.param
    return made
