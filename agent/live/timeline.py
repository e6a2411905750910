"""What happened on one call, in order, for those who follow it live or come late."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime

from fhirserver.ports.live_calls import LiveEvent

_MOST = 2000
"""Events kept of one call; a call of an hour has some hundreds. Beyond that the first ones go."""


class Timeline:
    """Events with ids from 1. Of words that are not finished only the latest are kept: they replace each other."""

    def __init__(self, most: int = _MOST):
        self.events: list[LiveEvent] = []
        self._most, self._last = most, 0
        self._closed = False
        self._changed = asyncio.Event()

    @property
    def last(self) -> int:
        """The id of the latest event."""
        return self._last

    def add(self, at: datetime, kind: str, text: str = "", turn: int = 0, **data: object) -> LiveEvent:
        """Append an event and wake those who follow."""
        self._last += 1
        event = LiveEvent(self._last, at, kind, text, turn, dict(data))
        if kind in ("partial", "caller"):
            self._drop_unfinished()
        self.events.append(event)
        del self.events[: -self._most]
        self._wake()
        return event

    def _drop_unfinished(self) -> None:
        """At most one event holds words that are not finished, and it is near the end."""
        for i in range(len(self.events) - 1, -1, -1):
            if self.events[i].kind == "partial":
                del self.events[i]
                return
            if self.events[i].kind == "caller":
                return

    def close(self) -> None:
        """Nothing more will happen."""
        self._closed = True
        self._wake()

    async def follow(self, after: int = 0) -> AsyncIterator[LiveEvent]:
        """Events after ``after`` as they come, until the timeline is closed."""
        while True:
            changed = self._changed
            for event in self._since(after):
                after = event.id
                yield event
            if changed is self._changed:
                if self._closed:
                    return
                await changed.wait()

    def _since(self, after: int) -> list[LiveEvent]:
        index = len(self.events)
        while index and self.events[index - 1].id > after:
            index -= 1
        return self.events[index:]

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
