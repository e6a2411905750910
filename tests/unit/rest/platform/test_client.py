"""The client in the tree is the one that the description makes."""

from __future__ import annotations

import ast
from pathlib import Path

from scripts.make_client import CLIENT, make


def test_the_client_is_up_to_date(tmp_path: Path) -> None:
    made = tmp_path / "client"
    make(made)
    assert _parsed(made) == _parsed(CLIENT), "the description has changed: run `make client`"


def _parsed(folder: Path) -> dict[str, str]:
    """Each module without how it is laid out, which is the formatter's affair."""
    files = sorted(folder.rglob("*.py"))
    return {str(one.relative_to(folder)): ast.dump(ast.parse(one.read_text())) for one in files}
