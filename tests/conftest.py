"""What holds for every test.

Property tests have no clock, since machines are noisy and shared. Python keeps what it compiled, in the many processes
of the tests too, whatever the environment says. One file is one worker's, so that what it starts is started once, and
those that take longest begin first.
"""

import os
import sys

import pytest
from hypothesis import settings

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

settings.register_profile("noisy-machine", deadline=None)
settings.load_profile("noisy-machine")

LONGEST = (
    "mongo",
    "tests/e2e/test_fhir_connector.py",
    "tests/faults/test_kill_9.py",
    "tests/faults/test_hostile_http.py",
    "tests/faults/test_lease_handover.py",
    "tests/e2e/test_two_ehrs.py",
    "tests/e2e/test_workers.py",
    "connectors-api",
    "tests/unit/adapters/test_fhir_contract.py",
    "tests/e2e/test_sync_out.py",
    "tests/faults/test_writeback_storm.py",
    "tests/faults/test_hl7_faults.py",
    "tests/e2e/test_hl7_simulator.py",
    "tests/e2e/test_subscription_sockets.py",
    "tests/storage/test_search_properties.py",
    "browser",
    "connectors",
)
"""Groups by how long they take, the longest first; all others come after them, in the order of their names."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The same order in every worker, for xdist gives tests out by their number."""
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    marker = item.get_closest_marker("xdist_group")
    group = marker.args[0] if marker else ""
    return LONGEST.index(group) if group in LONGEST else len(LONGEST)
