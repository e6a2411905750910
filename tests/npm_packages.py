"""Packages of npm for tests: installed once, as a folder's ``package-lock.json`` pins them, into a cache folder.

The cache is ``CREDENCE_NODE_CACHE``, else ``~/.cache/credence``, with a folder for each lock file. Without node, or
without a registry to install from, the tests are skipped and say so.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

NODE, NPM = shutil.which("node"), shutil.which("npm")
_PINNED = ("package.json", "package-lock.json", ".npmrc")
_INSTALL_SECONDS = 180


def place_of(folder: Path) -> Path:
    """Where the packages of a folder's lock file are installed."""
    digest = hashlib.sha256(b"".join((folder / name).read_bytes() for name in _PINNED)).hexdigest()[:16]
    named = os.environ.get("CREDENCE_NODE_CACHE")
    return (Path(named) if named else Path.home() / ".cache" / "credence") / f"node-{digest}"


def installed(folder: Path) -> Path:
    """The folder that has the packages in ``node_modules``. Skips the test where they cannot be installed."""
    if NODE is None or NPM is None:
        pytest.skip("node and npm are not on PATH")
    place = place_of(folder)
    if not (place / "installed").exists():
        _install(NPM, folder, place)
    return place


def _install(npm: str, folder: Path, place: Path) -> None:
    place.mkdir(parents=True, exist_ok=True)
    for name in _PINNED:
        shutil.copy(folder / name, place)
    try:
        done = subprocess.run(
            [npm, "ci"], cwd=place, capture_output=True, text=True, timeout=_INSTALL_SECONDS
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm ci took more than {_INSTALL_SECONDS} s")
    if done.returncode:
        pytest.skip(f"npm ci could not install the packages: {done.stderr.strip().splitlines()[-1:]}")
    (place / "installed").touch()
