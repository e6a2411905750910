"""FHIR clients of npm against the server as a process of its own.

Those that ``node/package-lock.json`` pins; see :mod:`tests.npm_packages`.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.npm_packages import NODE, installed
from tests.server_process import ServerProcess

pytestmark = pytest.mark.xdist_group("node")

FOLDER = Path(__file__).with_name("node")
_OLDEST = 20


@pytest.fixture(scope="module")
def clients() -> Path:
    """The folder with the clients installed and the scripts beside them."""
    place = installed(FOLDER)
    assert NODE is not None
    told = subprocess.run([NODE, "--version"], capture_output=True, text=True, check=True).stdout
    if int(told.lstrip("v").partition(".")[0]) < _OLDEST:
        pytest.skip(f"fhir-kit-client needs node {_OLDEST}, this is {told.strip()}")
    for script in FOLDER.glob("*.mjs"):
        shutil.copy(script, place)
    return place


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(Path(tmp_path_factory.mktemp("node"))) as server:
        yield server


@pytest.mark.parametrize("script", sorted(path.name for path in FOLDER.glob("*.mjs")))
def test_client(clients: Path, running: ServerProcess, script: str) -> None:
    assert NODE is not None
    done = subprocess.run(
        [NODE, script, running.base, running.token], cwd=clients, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all done" in done.stdout
