"""The sets that were worked out last, as many as fit into some bytes: value sets ask for the same ones again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

from terminology.positions import Positions

MOST_BYTES = 32 * 1024 * 1024
_LONGEST_VALUE = 4096
"""A filter's value that is longer is worked out each time: the key would be what fills the room."""
_EACH = 500
"""About what an entry takes beside its set."""


class KeptSelections:
    """Safe between threads. One for all releases of a process."""

    def __init__(self, most_bytes: int = MOST_BYTES):
        self._most, self._bytes, self._lock = most_bytes, 0, threading.Lock()
        self._held: OrderedDict[object, Positions] = OrderedDict()

    def get(self, key: tuple[object, ...], work: Callable[[], Positions]) -> Positions:
        """The set kept under the key, or else what ``work`` gives, kept from now on. What is raised is not kept."""
        if any(isinstance(part, str) and len(part) > _LONGEST_VALUE for part in key):
            return work()
        with self._lock:
            found = self._held.get(key)
            if found is not None:
                self._held.move_to_end(key)
                return found
        found = work()
        with self._lock:
            self._keep(key, found)
        return found

    def _keep(self, key: object, found: Positions) -> None:
        if key in self._held or _room(found) > self._most:
            return
        self._held[key] = found
        self._bytes += _room(found)
        while self._bytes > self._most:
            _, old = self._held.popitem(last=False)
            self._bytes -= _room(old)

    def __len__(self) -> int:
        return len(self._held)


def _room(positions: Positions) -> int:
    """Bits, and the bytes that looking into them makes."""
    return _EACH + positions.size // 4
