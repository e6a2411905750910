"""Work of unknown size: done at once where there is little of it, else in a thread, while others are served."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from fhirserver.kernel.effort import Exhausted, at_most, refused_after

Result = TypeVar("Result")

AT_ONCE = 0.03
"""Seconds that others may be held up."""
LONGEST = 5.0
"""Seconds of the processor after which it is refused."""
AT_A_TIME = 2
"""Threads that may be at it: more of them would only take turns, and keep those who read waiting."""


class Work:
    """One for all requests of a process."""

    def __init__(self, longest: float = LONGEST):
        self._longest = longest
        self._room = asyncio.Semaphore(AT_A_TIME)

    async def done(self, make: Callable[[], Result], *, aside: bool = False) -> Result:
        """What ``make`` gives: it is called again where there turns out to be more of it. ``aside``: that is known.
        Refuses (``too-costly``) what takes too long."""
        if not aside:
            try:
                with at_most(AT_ONCE):
                    return make()
            except Exhausted:
                pass
        async with self._room:
            return await asyncio.to_thread(self._limited, make)

    def _limited(self, make: Callable[[], Result]) -> Result:
        with refused_after(self._longest):
            return make()
