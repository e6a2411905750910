"""WebSockets below ASGI: uvicorn's protocol, with an end for clients that take nothing."""

from __future__ import annotations

import asyncio
from typing import Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

WRITE_SECONDS = 60.0
"""How long a client may take nothing of what waits for it, the end of the socket included."""
MESSAGE_BYTES: Final = 64 * 1024
"""Of a message from a client."""
PING_SECONDS: Final = 20.0
"""How often it is asked whether the client is still there, and how long it may take to answer."""


class FhirSocketProtocol(WebSocketsSansIOProtocol):
    """A socket whose client takes nothing for a minute is cut off: closing it in order would wait for the client."""

    _watch: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_taking()

    def resume_writing(self) -> None:
        self._stop_watching()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_watching()
        super().connection_lost(exc)

    def _watch_taking(self) -> None:
        if self._watch is None:
            left = self.transport.get_write_buffer_size()
            self._watch = self.loop.call_later(WRITE_SECONDS, self._look, left)

    def _look(self, before: int) -> None:
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
