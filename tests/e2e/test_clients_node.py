"""FHIR clients of npm against the server as a process of its own.

They are installed once, as ``node/package-lock.json`` pins them, into a cache folder (``CREDENCE_NODE_CACHE``, else
``~/.cache/credence/node-…``). Without node or without a registry to install from, the tests are skipped and say so.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server_process import ServerProcess

pytestmark = pytest.mark.xdist_group("node")

FOLDER = Path(__file__).with_name("node")
NODE, NPM = shutil.which("node"), shutil.which("npm")
_PINNED = ("package.json", "package-lock.json", ".npmrc")
_OLDEST = 20
_INSTALL_SECONDS = 180


def cache() -> Path:
    """Where the clients of this lock file are installed."""
    digest = hashlib.sha256(b"".join((FOLDER / name).read_bytes() for name in _PINNED)).hexdigest()[:16]
    named = os.environ.get("CREDENCE_NODE_CACHE")
    return Path(named) if named else Path.home() / ".cache" / "credence" / f"node-{digest}"


@pytest.fixture(scope="module")
def clients() -> Path:
    """The folder with the clients installed and the scripts beside them."""
    if NODE is None or NPM is None:
        pytest.skip("node and npm are not on PATH")
    told = subprocess.run([NODE, "--version"], capture_output=True, text=True, check=True).stdout
    if int(told.lstrip("v").partition(".")[0]) < _OLDEST:
        pytest.skip(f"fhir-kit-client needs node {_OLDEST}, this is {told.strip()}")
    place = cache()
    if not (place / "installed").exists():
        _install(NPM, place)
    for script in FOLDER.glob("*.mjs"):
        shutil.copy(script, place)
    return place


def _install(npm: str, place: Path) -> None:
    place.mkdir(parents=True, exist_ok=True)
    for name in _PINNED:
        shutil.copy(FOLDER / name, place)
    try:
        done = subprocess.run(
            [npm, "ci"], cwd=place, capture_output=True, text=True, timeout=_INSTALL_SECONDS
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm ci took more than {_INSTALL_SECONDS} s")
    if done.returncode:
        pytest.skip(f"npm ci could not install the clients: {done.stderr.strip().splitlines()[-1:]}")
    (place / "installed").touch()


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
