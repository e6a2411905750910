"""A circuit breaker: a server that fails again and again is left alone for a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Breaker:
    """Closed until ``failures`` in a row; then open for ``pause`` seconds, after which one question may try.

    Each try that fails doubles the pause, up to ``longest``. Safe between threads.
    """

    def __init__(
        self,
        failures: int,
        pause: float,
        longest: float = 120.0,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._most, self._first, self._longest, self._clock = failures, pause, longest, clock
        self._lock = threading.Lock()
        self._failed = 0
        self._pause = pause
        self._until = 0.0

    def admits(self) -> bool:
        """Whether to ask now. Whoever is told so after a pause is the one that tries."""
        with self._lock:
            if self._failed < self._most:
                return True
            if self._clock() < self._until:
                return False
            self._until = self._clock() + self._pause
            return True

    @property
    def is_open(self) -> bool:
        with self._lock:
            return self._failed >= self._most

    def succeeded(self) -> None:
        with self._lock:
            self._failed, self._pause = 0, self._first

    def failed(self) -> None:
        with self._lock:
            self._failed += 1
            if self._failed > self._most:
                self._pause = min(self._pause * 2, self._longest)
            if self._failed >= self._most:
                self._until = self._clock() + self._pause
