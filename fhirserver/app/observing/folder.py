"""Where several workers lay their figures: a folder beside the data, for as long as their parent runs."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

_MARK = "-figures-"


def figures_folder(data: Path, parent: int) -> Path:
    """The folder of the workers of one parent, by its process id. ``data`` is the path of the database."""
    return data.with_name(f"{data.name}{_MARK}{parent}")


@contextlib.contextmanager
def figures_kept(data: Path) -> Iterator[None]:
    """For a parent: what parents left behind that were killed is taken away, and what is its own at the end."""
    for old in data.parent.glob(f"{data.name}{_MARK}*"):
        if not _lives(old.name.rpartition("-")[2]):
            shutil.rmtree(old, ignore_errors=True)
    try:
        yield
    finally:
        shutil.rmtree(figures_folder(data, os.getpid()), ignore_errors=True)


def _lives(parent: str) -> bool:
    if not parent.isdigit() or int(parent) == os.getpid():
        return False
    try:
        os.kill(int(parent), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
