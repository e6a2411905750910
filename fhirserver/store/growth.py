"""How fast the log grows: by it, work that nobody waits for makes way for the work that somebody does."""

from __future__ import annotations

import time
from collections.abc import Callable

WINDOW_SECONDS = 0.5


class Growth:
    """Commits a second over the last half second or so in which it was asked. ``head`` is the log's length."""

    def __init__(self, head: Callable[[], int]):
        self._head = head
        self._then, self._position, self._rate = time.monotonic(), head(), 0.0

    @property
    def rate(self) -> float:
        """Commits a second, of all processes; as of the last full window."""
        now = time.monotonic()
        if now - self._then >= WINDOW_SECONDS:
            head = self._head()
            self._rate = (head - self._position) / (now - self._then)
            self._then, self._position = now, head
        return self._rate
