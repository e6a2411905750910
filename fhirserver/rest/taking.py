"""Clients that take nothing of what waits for them are cut off, over HTTP and over websockets alike."""

from __future__ import annotations

import asyncio
from typing import Any

from fhirserver.rest.visits import Visits

WRITE_SECONDS = 60.0
"""How long a client may take nothing of what waits for it, the end of a socket included. Slow is no fault: what the
kernel takes at a time is so much that one who reads a byte now and then is seen as taking nothing."""


class WatchesTaking:
    """The part of a protocol that watches; the protocol says when something waits and when it was taken."""

    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    _watch: asyncio.TimerHandle | None = None
    """Runs while something waits to be taken."""

    def _watch_taking(self) -> None:
        if self._watch is None:
            left = self.transport.get_write_buffer_size()
            self._watch = self.loop.call_later(WRITE_SECONDS, self._look, left)

    def _look(self, before: int) -> None:
        """Cut the client off if nothing was taken since there were ``before`` bytes to be taken."""
        self._watch = None
        left = self.transport.get_write_buffer_size()
        if left and left >= before:
            self.transport.abort()
        elif left:
            self._watch_taking()

    def _stop_watching(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None


def visits_of(config: Any) -> Visits | None:
    """Who counts connections for the application that is served, if anybody does."""
    return getattr(config.app, "visits", None)


def leave(config: Any, client: tuple[str, int] | None) -> None:
    """A connection that had been let in is gone."""
    visits = visits_of(config)
    if visits is not None and client:
        visits.leave(client[0])
