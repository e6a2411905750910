"""WebSockets below ASGI: uvicorn's protocol, with an end for clients that take nothing."""

from __future__ import annotations

import logging
from typing import Any, Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from fhirserver.rest.safe_headers import ALWAYS, NO_STORE, POLICY
from fhirserver.rest.taking import WatchesTaking, leave

_log = logging.getLogger("credence.sockets")
_log.setLevel(logging.WARNING)

MESSAGE_BYTES: Final = 64 * 1024
"""Of a message from a client."""
PING_SECONDS: Final = 20.0
"""How often it is asked whether the client is still there, and how long it may take to answer."""


class FhirSocketProtocol(WatchesTaking, WebSocketsSansIOProtocol):
    """A socket whose client takes nothing for a minute is cut off: closing it in order would wait for the client."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.logger = _log  # uvicorn's own writes the address of every socket, with what it asks for
        self._reject = self.conn.reject
        self.conn.reject = self._refuse_handshake  # type: ignore[method-assign]

    def _refuse_handshake(self, status: Any, text: str) -> Any:
        """The answer to what is no handshake, with the headers that all answers have."""
        made = self._reject(status, text)
        for name, value in (*ALWAYS, POLICY, NO_STORE):
            made.headers[name.decode()] = value.decode()
        return made

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_taking()

    def resume_writing(self) -> None:
        self._stop_watching()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_watching()
        leave(self.config, self.client)
        super().connection_lost(exc)
