"""How long a constraint may take."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from terminology.ecl.model import too_costly

Item = TypeVar("Item")

LONGEST = 20.0
"""Seconds after which an evaluation is given up."""
_EACH = 64


class Budget:
    """The time that an evaluation may take."""

    def __init__(self, seconds: float = LONGEST):
        self._end = time.monotonic() + seconds

    def check(self) -> None:
        if time.monotonic() > self._end:
            raise too_costly("the constraint takes too long to evaluate here")

    def watch(self, items: Iterable[Item]) -> Iterator[Item]:
        """The items, looking at the clock now and then."""
        for at, item in enumerate(items):
            if not at % _EACH:
                self.check()
            yield item
