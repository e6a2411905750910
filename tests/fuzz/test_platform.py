"""A slice of the fuzzing of ``/platform`` that tens of seconds allow; all of it is ``make fuzz``."""

from __future__ import annotations

import argparse
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fuzz.platform import fuzzed_server, run
from tests.platform_client import ROLES
from tests.server_process import ServerProcess


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = Path(tmp_path_factory.mktemp("fuzz-platform"))
    with fuzzed_server(folder) as running:
        yield running


@pytest.mark.parametrize(
    ("role", "tags"), [("owner", "keys|workspaces"), ("viewer", "calls|review|operators")]
)
def test_a_slice(server: ServerProcess, role: str, tags: str) -> None:
    options = argparse.Namespace(examples=1, phases="coverage", tags=f"^({tags})$", seed=1)
    done = run(server, role, options, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout
    assert "Traceback" not in server.log_tail(10**6)


@pytest.mark.slow
@pytest.mark.parametrize("role", ROLES)
def test_all_of_it(server: ServerProcess, role: str) -> None:
    options = argparse.Namespace(examples=3, phases="coverage,fuzzing", tags=".", seed=1)
    done = run(server, role, options, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout


def test_what_is_not_kept_to_would_be_seen(server: ServerProcess) -> None:
    """A role that is taken for another does what it should not: the check must say so."""
    options = argparse.Namespace(examples=1, phases="coverage", tags="^keys$", seed=1)
    done = run(server, "owner", options, taken_for="viewer", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 1 and "the role viewer was answered" in done.stdout
