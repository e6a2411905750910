"""An MLLP listener: connections, limits, order of answers. What a message means is the receiver's matter.

https://www.hl7.org/documentcenter/public/wg/inm/mllp_transport_specification.PDF
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
import time

from adapters.hl7v2.mllp.connection import Budget, Connection, Counts, Receiver, Shared
from adapters.hl7v2.mllp.limits import Admission, Complaints, Limits
from adapters.hl7v2.mllp.tls import problem

log = logging.getLogger("credence.hl7")

SWEEP_SECONDS = 0.25
DRAIN_SECONDS = 10.0
_BACKLOG = 256
_ACCEPT_AGAIN = 0.2


class Listener:
    """Listens on one address. ``tls``: only over TLS."""

    def __init__(
        self,
        name: str,
        receiver: Receiver,
        host: str = "127.0.0.1",
        port: int = 2575,
        limits: Limits | None = None,
        tls: ssl.SSLContext | None = None,
    ):
        self.name = name
        self.host, self.port = host, port
        self.counts = Counts()
        self._limits = limits or Limits()
        self._tls = tls
        self._admission = Admission(self._limits)
        self._complaints = Complaints(name)
        budget = Budget(self._limits.memory_bytes)
        self._shared = Shared(receiver, self._limits, budget, self._complaints, self.counts)
        self._open: dict[asyncio.Task[None], Connection | None] = {}
        self._sockets: list[socket.socket] = []
        self.ready = asyncio.Event()
        """Set when it listens; ``port`` is then the one it got."""

    @property
    def connections(self) -> int:
        return self._admission.count

    async def run(self) -> None:
        """Listen until cancelled; what has arrived by then is answered, within some seconds."""
        try:
            self._sockets = await self._bind()
        except OSError as error:
            log.error("%s: cannot listen on %s port %d: %s", self.name, self.host, self.port, error.strerror)
            raise
        self.port = self._sockets[0].getsockname()[1]
        log.info(
            "%s: listening on %s port %d%s", self.name, self.host, self.port, " (TLS)" if self._tls else ""
        )
        self.ready.set()
        loops = [asyncio.create_task(self._accept(one)) for one in self._sockets]
        loops.append(asyncio.create_task(self._sweep()))
        try:
            await asyncio.gather(*loops)
        finally:
            self.ready.clear()
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)
            for one in self._sockets:
                one.close()
            await self._drain()

    async def _bind(self) -> list[socket.socket]:
        found = await asyncio.get_running_loop().getaddrinfo(
            self.host, self.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        sockets: list[socket.socket] = []
        with contextlib.ExitStack() as opened:
            for family, _, _, _, address in dict.fromkeys(found):
                # The second address of a name gets the port that the first one was given.
                port = self.port or (sockets[0].getsockname()[1] if sockets else 0)
                one = socket.create_server((str(address[0]), port), family=family, backlog=_BACKLOG)
                one.setblocking(False)
                sockets.append(opened.enter_context(one))
            opened.pop_all()
        return sockets

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, address = await loop.sock_accept(listening)
            except OSError as error:  # out of descriptors, or a client that was gone at once
                log.warning("%s: accepting failed: %s", self.name, type(error).__name__)
                await asyncio.sleep(_ACCEPT_AGAIN)
                continue
            peer = str(address[0])
            if refusal := self._admission.refusal(peer):
                self.counts.refused += 1
                self._complaints.say(peer, f"connection refused: {refusal}")
                accepted.close()
                continue
            self._admission.enter(peer)
            task = asyncio.create_task(self._serve(accepted, peer))
            self._open[task] = None
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._open.pop(task, None)
        if not task.cancelled() and (error := task.exception()):
            log.error("%s: a connection failed with %s", self.name, type(error).__name__)

    async def _serve(self, accepted: socket.socket, peer: str) -> None:
        try:
            streams = await self._streams(accepted, peer)
            if streams is None:
                return
            connection = Connection(*streams, peer, self._shared)
            current = asyncio.current_task()
            if current is not None:
                self._open[current] = connection
            await connection.run()
        finally:
            self._admission.leave(peer)

    async def _streams(
        self, accepted: socket.socket, peer: str
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        loop = asyncio.get_running_loop()
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        handshake = self._limits.handshake_seconds if self._tls else None
        try:
            transport, _ = await loop.connect_accepted_socket(
                lambda: protocol, accepted, ssl=self._tls, ssl_handshake_timeout=handshake
            )
        except OSError as error:  # ssl.SSLError and ConnectionError are of its kind
            self.counts.refused += 1
            self._complaints.say(peer, f"TLS handshake refused: {problem(error)}")
            accepted.close()
            return None
        return reader, asyncio.StreamWriter(transport, protocol, reader, loop)

    async def _sweep(self) -> None:
        """End the connections whose time is up."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            now = time.monotonic()
            for connection in list(self._open.values()):
                if connection is not None and connection.deadline < now:
                    connection.expire()

    async def _drain(self) -> None:
        for connection in list(self._open.values()):
            if connection is not None:
                connection.finish()
        pending = set(self._open)
        if pending:
            _, pending = await asyncio.wait(pending, timeout=DRAIN_SECONDS)
        for task in pending:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*pending, return_exceptions=True)
