"""What holds for every test.

Property tests have no clock, since machines are noisy and shared. Python keeps what it compiled, in the many processes
of the tests too, whatever the environment says. One file is one worker's, so that what it starts is started once, and
those that take longest begin first.

To read the certificates of the world costs 50 ms, and httpx does it for every client, also for those that only ever
speak to this machine. Here all that verify in the usual way share one context.

All that is logged while tests run is looked through for the PHI that they use (:mod:`tests.phi`): a leak fails the run.
"""

import gc
import os
import sys
from functools import cache
from typing import Any

import httpx
import pytest
from hypothesis import settings

from tests import forking
from tests.phi import Watch

gc.disable()  # until all is collected: that makes a million objects, and every one of them stays
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

settings.register_profile("noisy-machine", deadline=None)
settings.load_profile("noisy-machine")

_transports = sys.modules[httpx.HTTPTransport.__init__.__module__]
_make_context = cache(httpx.create_ssl_context)
_transports.create_ssl_context = lambda verify=True, cert=None, trust_env=True: (
    _make_context(trust_env=trust_env)
    if verify is True and cert is None
    else httpx.create_ssl_context(verify, cert, trust_env)
)

LONGEST = (
    "mongo",
    "voice",
    "tests/e2e/test_demo.py",
    "tests/faults/test_chat_kill_9.py",
    "tests/faults/test_kill_9.py",
    "tests/e2e/test_hl7_workers.py",
    "tests/e2e/test_workers.py",
    "browser",
    "tests/e2e/test_connectors.py",
    "connectors",
    "tests/unit/adapters/test_hl7_world_corpus.py",
    "tests/faults/test_hl7_faults.py",
    "tests/faults/test_lease_handover.py",
    "tests/e2e/test_subscription_sockets.py",
    "attacks",
    "tests/e2e/test_hl7_two_processes.py",
    "tests/e2e/test_sync_out.py",
    "tests/faults/test_writeback_storm.py",
    "tests/e2e/test_two_ehrs.py",
    "kill",
    "tests/faults/test_event_stream_drops.py",
    "tests/faults/test_analytics_kill_9.py",
    "tests/faults/test_audit_kill_9.py",
    "tests/faults/test_merge_kill_9.py",
    "tests/e2e/test_hl7_ehr.py",
    "tests/e2e/test_hl7_simulator.py",
    "tests/faults/test_hostile_http.py",
    "tests/e2e/test_fhir_connector.py",
    "tests/e2e/test_agent_call.py",
    "tests/e2e/test_evaluation_audio.py",
    "tests/e2e/test_chat_evaluation.py",
    "tests/unit/agent/cards/test_recognition.py",
    "smart",
    "connectors-api",
    "tests/e2e/test_hl7_stored.py",
    "tests/e2e/test_media_stream_scripts.py",
    "tests/e2e/test_evaluation.py",
    "tests/storage/test_search_properties.py",
    "tests/unit/adapters/test_fhir_contract.py",
)
"""Groups by how long they take, the longest first; all others come after them, in the order of their names."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The same order in every worker, for xdist gives tests out by their number."""
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))
    items.sort(key=_turn)


def pytest_collection_finish() -> None:
    """What was collected stays to the end: the collector of garbage need not walk through it again and again."""
    gc.collect()
    gc.freeze()
    gc.enable()


def _turn(item: pytest.Item) -> int:
    marker = item.get_closest_marker("xdist_group")
    group = marker.args[0] if marker else ""
    return LONGEST.index(group) if group in LONGEST else len(LONGEST)


_watch = Watch()
_leaks: list[str] = []


def pytest_configure(config: pytest.Config) -> None:
    forking.begin()
    _watch.begin()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """A worker has ended: what leaked there."""
    _leaks.extend(getattr(node, "workeroutput", {}).get("phi", ()))


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Look through what was logged. A worker tells the process that started it."""
    _leaks.extend(_watch.findings())
    told = getattr(session.config, "workeroutput", None)
    if told is not None:
        told["phi"] = _leaks
    elif _leaks and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any) -> None:
    for leak in _leaks:
        terminalreporter.write_line(f"PHI IN A LOG: {leak}", red=True)
