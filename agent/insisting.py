"""What somebody was promised must not be forgotten for a server that is away: it is tried until it is done."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from agent.tools.client import Unreachable

log = logging.getLogger("credence.agent")
_PAUSE, _LONGEST = 0.5, 60.0
_WITHIN = 8.0
"""Seconds for which whoever waits for it is kept waiting."""


class Insisting:
    """What is under way, by its name; whatever conversation it came from may be over meanwhile."""

    def __init__(self) -> None:
        self._under_way: dict[str, asyncio.Task[None]] = {}

    async def done(self, name: str, work: Callable[[], Awaitable[object]], within: float = _WITHIN) -> bool:
        """Whether ``work`` is done within so many seconds; it is tried on in any case, while it raises
        :class:`~agent.tools.client.Unreachable`. The same name asked for again meanwhile waits for the same work."""
        task = self._under_way.get(name)
        if task is None:
            task = self._under_way[name] = asyncio.create_task(_until_done(work), name="insisting")
            task.add_done_callback(lambda ended: self._ended(name, ended))
        done, _ = await asyncio.wait({task}, timeout=within)
        if done:
            task.result()
        return bool(done)

    def _ended(self, name: str, task: asyncio.Task[None]) -> None:
        self._under_way.pop(name, None)
        if (
            not task.cancelled() and (error := task.exception()) is not None
        ):  # perhaps nobody waits for it any more
            log.error("a wish about contacts cannot be written down: %s", type(error).__name__)

    async def close(self, patience: float = 5.0) -> None:
        """Give what is under way so many seconds more; what is not done then is lost, and said to be."""
        if self._under_way:
            await asyncio.wait(self._under_way.values(), timeout=patience)
        for task in list(self._under_way.values()):
            log.error("a wish about contacts was not written down: the process ends")
            task.cancel()


async def _until_done(work: Callable[[], Awaitable[object]]) -> None:
    pause = _PAUSE
    while True:
        try:
            await work()
            return
        except Unreachable as error:
            log.warning("a wish about contacts waits to be written down: %s", error)
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST)
