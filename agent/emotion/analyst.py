"""Analysis for all calls in one process: takes segments at once, drops the oldest when it cannot follow, gives up for
a while when it fails. Whatever happens here, nobody who gives it sound waits."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from agent.audio.frames import Pcm, to_bytes
from agent.breaker import Breaker
from agent.emotion.track import Track
from agent.emotion.worker import unpacked
from agent.emotion.worker_process import WorkerFailed, WorkerProcess

T = TypeVar("T")


@dataclass
class Counts:
    """What became of segments, for metrics: no content. ``skipped``: not tried, the breaker being open."""

    analysed: int = 0
    dropped: int = 0
    failed: int = 0
    skipped: int = 0


class Analyst(Generic[T]):
    """Make one for a server, in its event loop; ``close`` it at the end.

    ``read``: an answer of the worker as a value (ValueError where it is none). ``waiting``: segments kept at most.
    """

    def __init__(
        self,
        worker: WorkerProcess,
        read: Callable[[bytes], T],
        breaker: Breaker | None = None,
        waiting: int = 64,
    ):
        self._worker, self._read = worker, read
        self.breaker = breaker or Breaker()
        self.counts = Counts()
        self._most = waiting
        self._jobs: deque[tuple[Pcm, Callable[[T | None], None]]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    def submit(self, pcm: Pcm, done: Callable[[T | None], None]) -> None:
        """Analyse a segment some time; returns at once.

        ``done`` is called exactly once, never from in here, with None where there is no analysis.
        """
        if self._closed:
            asyncio.get_running_loop().call_soon(done, None)
            return
        self._jobs.append((pcm, done))
        if len(self._jobs) > self._most:
            self.counts.dropped += 1
            asyncio.get_running_loop().call_soon(self._jobs.popleft()[1], None)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())

    async def close(self) -> None:
        """End the process; what still waits is answered with None."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        while self._jobs:
            self._jobs.popleft()[1](None)
        await self._worker.close()

    async def _work(self) -> None:
        """Until nothing waits."""
        while self._jobs:
            pcm, done = self._jobs.popleft()
            found = None
            try:
                found = await self._analysed(pcm)
            finally:
                done(found)

    async def _analysed(self, pcm: Pcm) -> T | None:
        loop = asyncio.get_running_loop()
        if not self.breaker.closed(loop.time()):
            self.counts.skipped += 1
            return None
        try:
            found = self._read(await self._worker.ask(to_bytes(pcm)))
        except (WorkerFailed, ValueError):
            self.counts.failed += 1
            self.breaker.failed(loop.time())
            return None
        self.counts.analysed += 1
        self.breaker.worked()
        return found


def prosody_analyst(
    worker: WorkerProcess | None = None, breaker: Breaker | None = None, waiting: int = 64
) -> Analyst[Track]:
    """The analysis of prosody, for all calls."""
    return Analyst(worker or WorkerProcess("agent.emotion.worker"), unpacked, breaker, waiting)
