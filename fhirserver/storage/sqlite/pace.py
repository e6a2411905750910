"""Which appends are short enough to be made on the event loop.

Handing an append to the writer's thread costs more than a small append on a fast disk takes: two threads that
both want the interpreter hold each other up. On a slow disk, or with many resources, the loop must go on.
"""

from __future__ import annotations

from typing import Final

SHORT_SECONDS: Final = 0.004
"""How long the event loop may stand still for an append."""
_USUAL_EACH: Final = 0.0002
_NEWEST: Final = 0.2
"""The weight of the newest append in the mean."""


class Pace:
    """Remembers how long appends take: a part for each, and a part for each resource in it.

    It begins as if the disk were slow: the first appends go aside.
    """

    def __init__(self) -> None:
        self._each, self._fixed = _USUAL_EACH, SHORT_SECONDS

    def is_short(self, resources: int) -> bool:
        """Whether an append of so many resources is expected to be short."""
        return self._fixed + resources * self._each < SHORT_SECONDS

    def took(self, seconds: float, resources: int) -> None:
        """Learn from an append. What a small one takes is mostly the disk, what a large one takes the rest."""
        if resources > 8:
            self._each += _NEWEST * (max(0.0, seconds - self._fixed) / resources - self._each)
        else:
            self._fixed += _NEWEST * (max(0.0, seconds - resources * self._each) - self._fixed)
