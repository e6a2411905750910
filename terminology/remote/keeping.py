"""Answers kept for a while, in memory alone: bounded by number and time."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Final

from terminology.remote.faults import Unknown

NOTHING: Final = object()
_UNKNOWN_SHARE = 0.2
"""That something is not known there is believed for a part of the time only: it may have been loaded since."""


class Kept:
    """The least recently used go first. Safe between threads."""

    def __init__(self, most: int, seconds: float, clock: Callable[[], float] = time.monotonic):
        self._most, self._seconds, self._clock = most, seconds, clock
        self._lock = threading.Lock()
        self._answers: OrderedDict[Hashable, tuple[float, Any]] = OrderedDict()

    def get(self, key: Hashable) -> Any:
        """The answer, or ``NOTHING``."""
        with self._lock:
            found = self._answers.get(key)
            if found is None:
                return NOTHING
            if found[0] <= self._clock():
                del self._answers[key]
                return NOTHING
            self._answers.move_to_end(key)
            return found[1]

    def put(self, key: Hashable, answer: Any) -> None:
        share = _UNKNOWN_SHARE if isinstance(answer, Unknown) else 1.0
        with self._lock:
            self._answers[key] = (self._clock() + self._seconds * share, answer)
            self._answers.move_to_end(key)
            while len(self._answers) > self._most:
                self._answers.popitem(last=False)

    def clear(self) -> None:
        with self._lock:
            self._answers.clear()

    def __len__(self) -> int:
        return len(self._answers)
