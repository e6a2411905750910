"""Turns of the processes that share one file: whoever has the turn decides and appends without losing a race.

Two advisory locks on files beside the database. Whoever wants the turn first takes the queue, then waits for
the turn, then leaves the queue: the one that just had it cannot overtake the one that waits. The kernel
frees both when a process dies. They only save work: what keeps the log right is the append itself.
"""

from __future__ import annotations

import os
from pathlib import Path


class Turns:
    """One process's hold on the two locks. ``take`` blocks, so it belongs on a thread of its own."""

    def __init__(self, path: Path):
        import fcntl  # not on Windows, where one process serves

        self._flock, self._exclusive, self._at_once = (
            fcntl.flock,
            fcntl.LOCK_EX,
            fcntl.LOCK_EX | fcntl.LOCK_NB,
        )
        self._free = fcntl.LOCK_UN
        self._queue, self._turn = (
            _opened(path.with_name(f"{path.name}-{name}")) for name in ("queue", "turn")
        )
        self.held = False

    def take_at_once(self) -> bool:
        """Take the turn if nobody has it or waits for it."""
        try:
            self._flock(self._queue, self._at_once)
        except BlockingIOError:
            return False
        try:
            self._flock(self._turn, self._at_once)
            self.held = True
        except BlockingIOError:
            pass
        finally:
            self._flock(self._queue, self._free)
        return self.held

    def take(self) -> None:
        """Wait for the turn."""
        self._flock(self._queue, self._exclusive)
        try:
            self._flock(self._turn, self._exclusive)
            self.held = True
        finally:
            self._flock(self._queue, self._free)

    def leave(self) -> None:
        """Give the turn to the next. Nothing happens where it is not held."""
        if self.held:
            self.held = False
            self._flock(self._turn, self._free)

    def close(self) -> None:
        for descriptor in (self._queue, self._turn):
            os.close(descriptor)


def _opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
