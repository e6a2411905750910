"""Where the messages of the foreign corpus are; tests that need them are skipped where it is absent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def _corpus() -> Path:
    """``CORPUS``, else ``shared/corpus`` beside one of the folders that this file is in."""
    if named := os.environ.get("CORPUS"):
        return Path(named)
    beside = (parent / "shared" / "corpus" for parent in Path(__file__).resolve().parents)
    return next((folder for folder in beside if folder.is_dir()), Path("shared/corpus"))


CORPUS = _corpus()


def message_files() -> list[Path]:
    """All messages, in order of their names."""
    return sorted((CORPUS / "hl7v2" / "messages").glob("*.hl7"))


needs_corpus = pytest.mark.skipif(not message_files(), reason="the corpus is not here")
