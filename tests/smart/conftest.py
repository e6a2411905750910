from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.smart.inferno import Inferno, running


@pytest.fixture(scope="session")
def inferno(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inferno]:
    """One server for all modules that share the xdist_group ``inferno``."""
    yield from running(tmp_path_factory.mktemp("inferno"))
