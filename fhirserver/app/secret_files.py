"""Files that hold a secret: read when it is needed, and complained about where everybody may read them."""

from __future__ import annotations

import logging
import stat
from functools import cache
from pathlib import Path
from typing import Final

log = logging.getLogger("credence.secrets")

_MOUNTED: Final = Path("/run/secrets")
"""Where containers get theirs; the rights there are not those of the files outside."""


def secret_in(path: Path) -> str:
    """What stands in a file, without the blanks around it. Raises OSError and UnicodeDecodeError."""
    text = path.read_text("utf-8").strip()
    warn_of_readers(path)
    return text


@cache
def warn_of_readers(path: Path) -> None:
    """Say once that a file may be read by everybody on the machine, if it may."""
    if _MOUNTED in path.absolute().parents:
        return
    try:
        mode = path.stat().st_mode
    except OSError:
        return
    if mode & stat.S_IROTH and not _is_kept_in(path):
        log.warning("%s holds a secret, and everybody on this machine may read it: chmod 600 it", path)


def _is_kept_in(path: Path) -> bool:
    """Whether a folder on the way keeps everybody else out."""
    return any(not parent.stat().st_mode & stat.S_IXOTH for parent in path.absolute().parents)
