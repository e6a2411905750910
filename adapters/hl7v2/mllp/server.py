"""An MLLP listener: the port, and who may connect. What a message means is the receiver's matter.

https://www.hl7.org/documentcenter/public/wg/inm/mllp_transport_specification.PDF
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Callable

from adapters.hl7v2.mllp.connection import Counts, Receiver
from adapters.hl7v2.mllp.limits import Admission, Limits
from adapters.hl7v2.mllp.service import Service
from adapters.hl7v2.mllp.sharing import LOOK_SECONDS, Sharing

log = logging.getLogger("credence.hl7")

_BACKLOG = 256
_ACCEPT_AGAIN = 0.2


class Listener:
    """Listens on one address. ``tls``: only over TLS. ``sharing``: with other processes of the same server."""

    def __init__(
        self,
        name: str,
        receiver: Receiver,
        host: str = "127.0.0.1",
        port: int = 2575,
        limits: Limits | None = None,
        tls: ssl.SSLContext | None = None,
        sharing: Sharing | None = None,
    ):
        self.name = name
        self.host, self.port = host, port
        self._service = Service(name, receiver, limits, tls)
        self._service.move = self._place
        self._admission = Admission(self._service.limits)
        self._sharing = sharing
        self._sockets: list[socket.socket] = []
        self.ready = asyncio.Event()
        """Set when it listens; ``port`` is then the one it got."""

    @property
    def counts(self) -> Counts:
        """What was seen in this process."""
        return self._service.counts

    @property
    def connections(self) -> int:
        """How many are connected, also those that others serve."""
        return self._admission.count

    async def run(self) -> None:
        """Listen until cancelled; what has arrived by then is answered, within some seconds."""
        try:
            self._sockets = await self._bind()
        except OSError as error:
            log.error("%s: cannot listen on %s port %d: %s", self.name, self.host, self.port, error.strerror)
            raise
        self.port = self._sockets[0].getsockname()[1]
        tls = " (TLS)" if self._service.tls else ""
        log.info("%s: listening on %s port %d%s", self.name, self.host, self.port, tls)
        self.ready.set()
        loops = [asyncio.create_task(self._accept(one)) for one in self._sockets]
        loops.append(asyncio.create_task(self._service.sweep()))
        if self._sharing is not None:
            loops.append(asyncio.create_task(self._sharing.run()))
            loops.append(asyncio.create_task(self._level(self._sharing)))
        try:
            await asyncio.gather(*loops)
        finally:
            self.ready.clear()
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)
            for one in self._sockets:
                one.close()
            await asyncio.gather(self._service.drain(), *([self._sharing.end()] if self._sharing else ()))

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
            self._admit(accepted, str(address[0]))

    def _admit(self, accepted: socket.socket, peer: str) -> None:
        if refusal := self._admission.refusal(peer):
            self.counts.refused += 1
            self._service.complaints.say(peer, f"connection refused: {refusal}")
            accepted.close()
            return
        self._admission.enter(peer)

        def ended() -> None:
            self._admission.leave(peer)

        self._place(accepted, peer, ended)

    def _place(self, accepted: socket.socket, peer: str, ended: Callable[[], None]) -> None:
        if self._sharing is None or not self._sharing.hand(accepted, peer, len(self._service), ended):
            self._service.begin(accepted, peer, ended)

    async def _level(self, sharing: Sharing) -> None:
        """Move connections to whoever came later."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self._service.lessen(sharing.surplus(len(self._service)))
