"""Where the official examples and the Synthea bundles lie; tests that need them are skipped without them."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fhirserver.kernel.json import JsonObject, loads

ROOT = Path(__file__).resolve().parents[3]
CORPUS = Path(os.environ.get("CORPUS") or ROOT.parent / "shared" / "corpus")


def resources(archive: str) -> Iterator[tuple[str, JsonObject]]:
    path = CORPUS / archive
    if not path.exists():
        pytest.skip(f"{path} is not on this machine")
    with tarfile.open(path) as tar:
        for member in tar:
            file = tar.extractfile(member) if member.isfile() and member.name.endswith(".json") else None
            if file is not None:
                yield Path(member.name).name, loads(file.read())
