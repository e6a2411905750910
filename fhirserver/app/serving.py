"""Serving with uvicorn: alone, or as one worker of several, which takes the connections that its parent hands on."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from typing import Any

from fhirserver.app.door import ENDED, READY
from fhirserver.app.observing.folder import figures_folder
from fhirserver.app.settings import Settings
from fhirserver.app.settled import SettledServer
from fhirserver.app.uvicorn_config import HANDSHAKE_SECONDS, SafeConfig
from fhirserver.app.wiring import Part, make_application
from fhirserver.kernel.measures import MEASURES
from fhirserver.rest.protocol import FhirHttpProtocol


def serve_alone(chosen: Settings) -> None:
    """Listen and serve until a signal asks to end."""
    SettledServer(_config(chosen, Part.ALONE)).run()


def serve_handed(chosen: Settings, number: int, channel: int) -> None:
    """Serve what the parent hands over, as worker ``number``; ``channel`` is the descriptor of the way there."""
    part = Part.FURTHER if number else Part.FIRST
    MEASURES.share(figures_folder(chosen.path, os.getppid()), f"serve-{number}")
    HandedServer(_config(chosen, part), socket.socket(fileno=channel)).run()


def _config(chosen: Settings, part: Part) -> SafeConfig:
    application = make_application(chosen, part)
    return SafeConfig(chosen, application, host=chosen.host, port=chosen.port, timeout_graceful_shutdown=5)


class HandedServer(SettledServer):
    """Serves what comes over ``channel``. Ends at once when the parent is gone: then the channel is at its end.

    A parent that ends in order ends its workers first, so this is what ``kill -9`` of the parent does.
    """

    def __init__(self, config: SafeConfig, channel: socket.socket) -> None:
        super().__init__(config)
        channel.setblocking(False)
        self._channel = channel
        self._opening: set[asyncio.Task[Any]] = set()
        self._taken = self._told = 0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=[])
        asyncio.get_running_loop().add_reader(self._channel, self._take)
        self._say(READY)

    async def on_tick(self, counter: int) -> bool:
        self._report()  # of WebSockets, and what could not be said at once
        self._end_alone()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().remove_reader(self._channel)
        self._channel.close()  # the parent hands over nothing more
        await super().shutdown(sockets=[])

    def _take(self) -> None:
        try:
            _, descriptors, _, _ = socket.recv_fds(self._channel, 1, 1)
        except OSError:
            return  # nothing there, or an error: the next tick sees
        for descriptor in descriptors:
            self._taken += 1
            opening = asyncio.ensure_future(self._open(socket.socket(fileno=descriptor)))
            self._opening.add(opening)
            opening.add_done_callback(self._opening.discard)

    def _end_alone(self) -> None:
        """End where the parent is gone. The loop may never tell: it stops listening to what has an error."""
        try:
            gone = not self._channel.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return
        except OSError:
            gone = True
        if gone:
            os._exit(1)

    async def _open(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                self.protocol,
                connection,
                ssl=self.config.ssl,
                ssl_handshake_timeout=HANDSHAKE_SECONDS if self.config.ssl else None,
            )
        except OSError:  # the client is gone already, or its handshake failed
            connection.close()

    def protocol(self) -> FhirHttpProtocol:
        protocol = FhirHttpProtocol(self.config, self.server_state, self.lifespan.state)
        protocol.lost = self._report
        return protocol

    def _report(self) -> None:
        """Tell the parent how many connections have ended since the last time."""
        ended = self._taken - len(self._opening) - len(self.server_state.connections)
        if ended > self._told and self._say(ENDED * (ended - self._told)):
            self._told = ended

    def _say(self, words: bytes) -> bool:
        with contextlib.suppress(OSError):  # the parent is gone, or too busy to listen
            return self._channel.send(words) == len(words)
        return False
