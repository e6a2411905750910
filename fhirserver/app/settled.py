"""A server of uvicorn that looks for garbage only among what came after its start, and ends its streams first."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from typing import Any

import uvicorn

from fhirserver.app.collecting import spare_what_stays
from fhirserver.app.uvicorn_config import HANDSHAKE_SECONDS, SafeConfig

log = logging.getLogger("credence.server")
_FAILED = 3
"""The exit code of a server that could not start, as it is uvicorn's."""


class SettledServer(uvicorn.Server):
    """Serves an application that has ``end_streams()``: what is followed without end (events, sound) ends when the
    server is asked to, instead of when its patience is over."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        if sockets is not None or self.config.ssl is None:
            await super().startup(sockets)
        else:
            await super().startup([])
            await self._listen()
        spare_what_stays()

    async def _listen(self) -> None:
        """As uvicorn does, with less patience for handshakes."""
        try:
            server = await asyncio.get_running_loop().create_server(
                self.protocol,
                self.config.host,
                self.config.port,
                ssl=self.config.ssl,
                ssl_handshake_timeout=HANDSHAKE_SECONDS,
                backlog=self.config.backlog,
            )
        except OSError as error:
            log.error("%s:%d: %s", self.config.host, self.config.port, error.strerror)
            await self.lifespan.shutdown()
            sys.exit(_FAILED)
        self.servers = [server]
        log.info("serving https on %s:%d", self.config.host, self.config.port)

    def protocol(self) -> Any:
        """What serves one connection."""
        return self.config.http_protocol_class(self.config, self.server_state, self.lifespan.state)  # type: ignore[call-arg]

    async def on_tick(self, counter: int) -> bool:
        if isinstance(self.config, SafeConfig):
            self.config.look_after_certificate(counter)
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        application: Any = self.config.app
        application.end_streams()
        await super().shutdown(sockets)
