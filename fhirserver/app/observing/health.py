"""Whether a server is ready: its storage answers, its projections keep up, its followers and its fellows are alive."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

from fhirserver.kernel.measures import MEASURES, Gathered, Gauge, Histogram, Measures
from fhirserver.ports.storage import Head
from fhirserver.store.store import Store

log = logging.getLogger("credence.health")

STORAGE_SECONDS: Final = 2.0
STUCK_SECONDS: Final = 5.0
"""How long the projections may be behind without getting on."""
FOLLOWER_SECONDS: Final = 60.0
"""How long a follower may take to get on. Idle ones do so each second; one that fails is not counted as getting on."""
BEAT_SECONDS: Final = 0.5
SILENT_SECONDS: Final = 10.0

LOOPS: Final = Gauge(
    "credence_loop_running", "Whether a background loop runs: 1, or 0 where it died", ("loop",), "each"
)
BEATS: Final = Gauge("_beat", "When the event loop last turned, in monotonic seconds", (), "each")
DELAY: Final = Histogram("credence_event_loop_delay_seconds", "How late the event loop came to what was due")


async def beat() -> None:
    """Tell the fellows that this process lives, and measure how busy its loop is."""
    while True:
        due = time.monotonic() + BEAT_SECONDS
        BEATS.set(due - BEAT_SECONDS)
        await asyncio.sleep(BEAT_SECONDS)
        DELAY.observe(max(0.0, time.monotonic() - due))


def watched(name: str, loop: Callable[[], Coroutine[Any, Any, None]]) -> asyncio.Task[None]:
    """Start a background loop, which runs for as long as the server: one that ends before has died."""
    task = asyncio.create_task(loop(), name=name)
    LOOPS.set(1, name)
    task.add_done_callback(_ended)
    return task


def _ended(task: asyncio.Task[None]) -> None:
    if task.cancelled():
        return
    LOOPS.set(0, task.get_name())
    error = task.exception()
    log.error(
        "the loop %s has ended: %s",
        task.get_name(),
        type(error).__name__ if error else "by itself",
        exc_info=error,
    )


class Health:
    """See :class:`fhirserver.rest.health.Readiness`. ``started``: whether what must run once has begun."""

    def __init__(
        self,
        store: Store,
        started: Callable[[], bool],
        measures: Measures = MEASURES,
        now: Callable[[], float] = time.monotonic,
        patience: float = FOLLOWER_SECONDS,
    ):
        """``patience``: seconds that a follower may take."""
        self._store, self._started, self._measures, self._now = store, started, measures, now
        self._patience = patience
        self._behind: tuple[int, float] | None = None
        self._told: frozenset[str] = frozenset()

    async def parts(self) -> Mapping[str, bool]:
        if not self._started():
            return {}
        head = await self._head()
        gathered = {one.described.name: one for one in self._measures.gathered()}
        parts = {
            "storage": head is not None,
            "projections": head is not None and self._keep_up(head),
            "followers": self._followers(gathered),
            "workers": self._workers(gathered[BEATS.described.name]),
        }
        self._tell(frozenset(name for name, well in parts.items() if not well))
        return parts

    def _tell(self, failing: frozenset[str]) -> None:
        """Once for each change, in the log."""
        if failing != self._told:
            log.warning("not ready: %s", ", ".join(sorted(failing))) if failing else log.info("ready again")
            self._told = failing

    async def _head(self) -> Head | None:
        """The end of the log, if the storage says."""
        try:
            async with asyncio.timeout(STORAGE_SECONDS):
                return await self._store.storage.head()
        except Exception as error:  # whatever a driver raises, the storage does not answer
            log.debug("the storage does not answer: %s", type(error).__name__)
            return None

    def _keep_up(self, head: Head) -> bool:
        """Whether the projections follow the log: behind they may be, but not stay where they are."""
        if head.projected >= head.position:
            self._behind = None
            return True
        if self._behind is None or self._behind[0] != head.projected:
            self._behind = (head.projected, self._now())
        return self._now() - self._behind[1] < STUCK_SECONDS

    def _followers(self, gathered: Mapping[str, Gathered]) -> bool:
        """Whether every follower got on lately and no loop has died, in whichever process."""
        stepped = gathered["_follower_stepped"].series.values()
        dead = any(numbers[0] == 0 for numbers in gathered[LOOPS.described.name].series.values())
        return not dead and all(self._now() - numbers[0] < self._patience for numbers in stepped)

    def _workers(self, beats: Gathered) -> bool:
        return all(self._now() - numbers[0] < SILENT_SECONDS for numbers in beats.series.values())
