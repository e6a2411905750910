"""The accepted connections of a listener that are served in this process."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from adapters.hl7v2.mllp.connection import Budget, Connection, Counts, Inlet, Receiver, Shared
from adapters.hl7v2.mllp.limits import Complaints, Limits
from adapters.hl7v2.mllp.tls import problem

log = logging.getLogger("credence.hl7")

SWEEP_SECONDS = 0.25
DRAIN_SECONDS = 10.0


@dataclass(slots=True)
class _Guest:
    """Who is connected; ``ended`` is called once, when it is no more."""

    peer: str
    ended: Callable[[], None]
    connection: Connection | None = None


Move: TypeAlias = Callable[[socket.socket, str, Callable[[], None]], None]


def _nothing() -> None:
    pass


class Service:
    """Serves what is given to :meth:`begin`. ``tls``: only over TLS."""

    def __init__(
        self, name: str, receiver: Receiver, limits: Limits | None = None, tls: ssl.SSLContext | None = None
    ):
        self.name, self.tls = name, tls
        self.limits = limits or Limits()
        self.counts, self.complaints = Counts(), Complaints(name)
        budget = Budget(self.limits.memory_bytes)
        self._shared = Shared(receiver, self.limits, budget, self.complaints, self.counts, self._idle)
        self._open: dict[asyncio.Task[None], _Guest] = {}
        self._surplus = 0
        self.move: Move = self.begin
        """What is done with a connection that shall go elsewhere."""

    def __len__(self) -> int:
        """How many connections are open here."""
        return sum(guest.ended is not _nothing for guest in self._open.values())

    def begin(self, accepted: socket.socket, peer: str, ended: Callable[[], None]) -> None:
        """Serve a connection of ``peer``; ``ended`` is called when it has ended."""
        task = asyncio.create_task(self._serve(accepted, peer))
        self._open[task] = _Guest(peer, ended)
        task.add_done_callback(self._ended)

    def lessen(self, surplus: int) -> None:
        """Move so many connections elsewhere, each when nothing of it is here; the number may change at any time."""
        self._surplus = surplus
        for guest in list(self._open.values()) if surplus else ():
            if guest.connection is not None:
                self._idle(guest.connection)

    def _idle(self, connection: Connection) -> None:
        if self._surplus <= 0:
            return
        guest = next((one for one in self._open.values() if one.connection is connection), None)
        if guest is None or (kept := connection.release()) is None:
            return
        self._surplus -= 1
        ended, guest.ended, guest.connection = guest.ended, _nothing, None
        self.move(kept, guest.peer, ended)

    async def sweep(self) -> None:
        """End the connections whose time is up, until cancelled."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            now = time.monotonic()
            for guest in list(self._open.values()):
                if guest.connection is not None and guest.connection.deadline < now:
                    guest.connection.expire()

    async def drain(self) -> None:
        """Take nothing more of those that are open; what has arrived is answered, within some seconds."""
        for guest in list(self._open.values()):
            if guest.connection is not None:
                guest.connection.finish()
        pending = set(self._open)
        if pending:
            _, pending = await asyncio.wait(pending, timeout=DRAIN_SECONDS)
        for task in pending:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*pending, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._open.pop(task).ended()
        if not task.cancelled() and (error := task.exception()):
            log.error("%s: a connection failed with %s", self.name, type(error).__name__)

    async def _serve(self, accepted: socket.socket, peer: str) -> None:
        streams = await self._streams(accepted, peer)
        if streams is None:
            return
        connection = Connection(*streams, peer, self._shared)
        current = asyncio.current_task()
        if current is not None:
            self._open[current].connection = connection
        await connection.run()

    async def _streams(self, accepted: socket.socket, peer: str) -> tuple[Inlet, asyncio.StreamWriter] | None:
        loop = asyncio.get_running_loop()
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        reader = Inlet()
        protocol = asyncio.StreamReaderProtocol(reader)
        handshake = self.limits.handshake_seconds if self.tls else None
        try:
            transport, _ = await loop.connect_accepted_socket(
                lambda: protocol, accepted, ssl=self.tls, ssl_handshake_timeout=handshake
            )
        except OSError as error:  # ssl.SSLError and ConnectionError are of its kind
            self.counts.refused += 1
            self.complaints.say(peer, f"TLS handshake refused: {problem(error)}")
            accepted.close()
            return None
        return reader, asyncio.StreamWriter(transport, protocol, reader, loop)
