"""Whole answers, kept until something changes: bounded in bytes, the ones used last."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock

MOST_BYTES = 32 * 1024 * 1024
LARGEST = 1024 * 1024
_EACH = 500
"""Bytes that keeping one takes besides."""


class Answers:
    """Belongs to one state of what is known, and goes with it."""

    def __init__(self, most_bytes: int = MOST_BYTES):
        self._most = most_bytes
        self._bytes = 0
        self._kept: OrderedDict[Hashable, bytes] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable) -> bytes | None:
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def keep(self, key: Hashable, answer: bytes) -> None:
        if len(answer) > LARGEST:
            return
        with self._lock:
            before = self._kept.pop(key, None)
            self._bytes -= len(before) + _EACH if before is not None else 0
            self._kept[key] = answer
            self._bytes += len(answer) + _EACH
            while self._bytes > self._most:
                self._bytes -= len(self._kept.popitem(last=False)[1]) + _EACH
