"""Starts, tells and ends the tasks of all subscribers, as the follower finds out about them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from fhirserver.ports.log import Commit
from subscriptions.delivery import Desk, Subscriber
from subscriptions.interests import Held
from subscriptions.notifier import Notifier


@dataclass
class _Working:
    held: Held
    subscriber: Subscriber
    task: asyncio.Task[None]


class Deliveries:
    """A :class:`fhirserver.store.followers.Watcher` of the follower that numbers events."""

    def __init__(self, desk: Desk, notifier: Notifier):
        self._desk, self._notifier = desk, notifier
        self._working: dict[str, _Working] = {}
        self._running = False

    def see(self, commits: Sequence[Commit]) -> None:
        """Take up what the follower has just committed."""
        if self._running:
            self._take_up()

    async def run(self) -> None:
        """Serve every subscriber, for ever."""
        await self._notifier.load()
        self._running = True
        try:
            self._take_up()
            await asyncio.Event().wait()
        finally:
            self._running = False
            await self._end()

    def _take_up(self) -> None:
        interests = self._notifier.interests
        for id, held in interests.by_id.items() if interests else ():
            working = self._working.get(id)
            if working is not None and working.held is not held and not working.task.done():
                working.held = held
                working.subscriber.update(held)
            elif working is None or working.held is not held:
                self._start(id, held)

    def _start(self, id: str, held: Held) -> None:
        self._working.pop(id, None)
        if held.wanted.status == "off" or not held.standing.version:
            return
        subscriber = Subscriber(self._desk, held)
        task = asyncio.create_task(subscriber.run(), name=f"subscription:{id}")
        self._working[id] = _Working(held, subscriber, task)

    async def _end(self) -> None:
        tasks = [one.task for one in self._working.values()]
        self._working.clear()
        while tasks:
            for task in tasks:
                task.cancel()
            _, pending = await asyncio.wait(tasks, timeout=0.25)
            tasks = list(pending)
