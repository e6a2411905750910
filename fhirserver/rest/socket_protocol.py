"""WebSockets below ASGI: uvicorn's protocol, with an end for clients that take nothing."""

from __future__ import annotations

from typing import Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from fhirserver.rest.taking import WatchesTaking

MESSAGE_BYTES: Final = 64 * 1024
"""Of a message from a client."""
PING_SECONDS: Final = 20.0
"""How often it is asked whether the client is still there, and how long it may take to answer."""


class FhirSocketProtocol(WatchesTaking, WebSocketsSansIOProtocol):
    """A socket whose client takes nothing for a minute is cut off: closing it in order would wait for the client."""

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_taking()

    def resume_writing(self) -> None:
        self._stop_watching()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_watching()
        super().connection_lost(exc)
