"""What imported value sets hold, kept until something changes: as many as fit into some bytes, the ones used last."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING

from terminology.expanding.members import Members, Numbered

if TYPE_CHECKING:
    from terminology.expanding.composing import Composed

MOST_BYTES = 32 * 1024 * 1024
_EACH = 1000
"""About what a set, and a code that is listed one by one, take."""


class KeptCompositions:
    """By canonical. Belongs to one state of what is known, and goes with it. Safe between threads."""

    def __init__(self, most_bytes: int = MOST_BYTES):
        self._most, self._bytes, self._lock = most_bytes, 0, Lock()
        self._held: OrderedDict[str, Composed] = OrderedDict()

    def get(self, canonical: str) -> Composed | None:
        with self._lock:
            found = self._held.get(canonical)
            if found is not None:
                self._held.move_to_end(canonical)
            return found

    def keep(self, canonical: str, composed: Composed) -> None:
        with self._lock:
            if canonical in self._held or room(composed) > self._most:
                return
            self._held[canonical] = composed
            self._bytes += room(composed)
            while self._bytes > self._most:
                self._bytes -= room(self._held.popitem(last=False)[1])


def room(composed: Composed) -> int:
    """About the bytes that it takes beside the systems it is of."""
    return _EACH + sum(map(_room, composed.parts))


def _room(members: Members) -> int:
    if isinstance(members, Numbered):
        return members.numbers.size // 4 + 50 * len(members.order or ()) + _EACH * len(members.own)
    return _EACH * len(members)
