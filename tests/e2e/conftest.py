"""A simulated EHR on a port, and a practice that is connected with it."""

import pytest

from tests.unit.adapters.in_process import tiny_bundles
from tests.unit.adapters.simulated_ehr import SimulatedEhrThread
from tests.unit.runner.practice import opened


@pytest.fixture
def process(tmp_path):
    bundles = tiny_bundles(tmp_path / "bundles")
    with SimulatedEhrThread(tmp_path / "ehr.db", "--bundles", str(bundles)) as process:
        yield process


@pytest.fixture
async def practice(process, tmp_path):
    ehr = process.adapter()
    async with opened(tmp_path / "credence.db", ehr) as practice:
        yield practice
    await ehr.close()
