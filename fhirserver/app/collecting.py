"""How Python looks for garbage in a process that serves."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_COLLECT_AFTER: Final = (10_000, 10, 10)
"""Objects that may be garbage, and then rounds of each generation."""


@contextmanager
def not_while_importing() -> Iterator[None]:
    """Do not look for garbage meanwhile: what importing makes stays, and a fifth of its time went into looking."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def spare_what_stays() -> None:
    """Do not look again, at each collection of garbage, at what was made until now; and look rarely.

    Definitions and what was compiled from them stay for ever. A Bundle makes tens of thousands of objects that
    live until its answer: with Python's defaults a sixth of its time went into looking for garbage among them.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)
