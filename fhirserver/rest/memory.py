"""Memory that large bodies leave behind: the C library keeps what was freed for itself unless it is told not to."""

from __future__ import annotations

import asyncio
import ctypes
from collections.abc import Callable

LARGE = 4 * 1024 * 1024
"""Bytes of a body or answer from which on it is worth the while."""
PAUSE = 1.0
"""Seconds to wait: by then the answer is mostly sent, and of several requests at once only one does it."""

_trim: Callable[[int], int] | None = getattr(ctypes.CDLL(None), "malloc_trim", None)
_waiting: set[asyncio.AbstractEventLoop] = set()


def give_back_soon(size: int) -> None:
    """Have what is free given back to the system after ``size`` bytes were handled, if they were many."""
    if size < LARGE or _trim is None:
        return
    loop = asyncio.get_running_loop()
    if loop not in _waiting:
        _waiting.add(loop)
        loop.call_later(PAUSE, _begin, loop)


def _begin(loop: asyncio.AbstractEventLoop) -> None:
    _waiting.discard(loop)
    if _trim is not None:
        loop.run_in_executor(None, _trim, 0)
