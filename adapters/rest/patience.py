"""Waiting until a vendor shows what was written to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from adapters.fhir.retries import Sleep

_FIRST, _MOST = 0.05, 1.0


@dataclass(frozen=True, slots=True)
class Patience:
    """``seconds``: within them a write is seen, as the mapping says. ``now``: monotonic seconds."""

    seconds: float
    sleep: Sleep
    now: Callable[[], float]
    started: float

    async def tries(self) -> AsyncIterator[int]:
        """One try at once, and more, farther and farther apart; the last begins when the time is over.

        A try that was begun before may have been answered from what was seen then, however late its answer came.
        """
        until, wait, number = self.now() + self.seconds, _FIRST, 0
        while True:
            begun = self.now()
            yield number
            if begun >= until:
                return
            number += 1
            await self.sleep(min(wait, max(0.0, until - self.now())))
            wait = min(wait * 2, _MOST)

    async def since(self, written: float | None = None) -> bool:
        """Wait until what was written then is to be seen; without a time, what a process before this one wrote.

        Whether it had to wait.
        """
        left = (self.started if written is None else written) + self.seconds - self.now()
        if left > 0:
            await self.sleep(left)
        return left > 0
