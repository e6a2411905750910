"""Waiting until a vendor shows what was written to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from adapters.fhir.retries import Sleep

_FIRST, _MOST = 0.05, 1.0


@dataclass(frozen=True, slots=True)
class Patience:
    """``seconds``: within them a write is seen, as the vendor says. ``now``: monotonic seconds."""

    seconds: float
    sleep: Sleep
    now: Callable[[], float]

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

    async def since(self, ago: float | None) -> bool:
        """Wait until what was written so many seconds ago is to be seen; None: nothing was. Whether it had to wait."""
        left = 0.0 if ago is None else self.seconds - ago
        if left > 0:
            await self.sleep(left)
        return left > 0
