"""The carrier's end of a media stream's websocket, of which sending is a plain call.

The protocol is the sans-I/O one of `websockets <https://websockets.readthedocs.io/en/stable/howto/sansio.html>`_; a
call sends and receives a hundred messages a second, and its connection classes take several times as long for each.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TypeAlias, cast

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidHandshake, InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import OPEN, Event
from websockets.uri import parse_uri

_OPENS_WITHIN = 10.0
_CLOSES_WITHIN = 10.0

Take: TypeAlias = Callable[[bytes], None]
"""Is given each message of the other side; a ValueError ends the connection."""


class Refused(Exception):
    """The websocket was not let in; the message is the answer's status."""


class TextSocket(asyncio.Protocol):
    """One connection; :func:`opened` makes it."""

    def __init__(self, url: str, headers: Mapping[str, str], take: Take):
        loop = asyncio.get_running_loop()
        self._protocol = ClientProtocol(parse_uri(url), max_size=None)
        self._headers, self._take = headers, take
        self._transport: asyncio.Transport | None = None
        self._message = b""
        self._giving_up: asyncio.TimerHandle | None = None
        self.let_in: asyncio.Future[None] = loop.create_future()
        self.over: asyncio.Future[None] = loop.create_future()
        """Done when nothing can come any more; with the ValueError by which a message could not be taken."""

    @property
    def open(self) -> bool:
        return self._protocol.state is OPEN and not self.over.done()

    @property
    def close_code(self) -> int | None:
        """Why it was closed (RFC 6455 §7.4); None while it is not."""
        return self._protocol.close_code

    def send(self, text: str) -> None:
        """Send a message; nothing once it is closed."""
        if self.open:
            self._protocol.send_text(text.encode())
            self._write()

    async def close(self) -> None:
        """Close it in order, and for certain."""
        if self.open:
            self._protocol.send_close(1000)
            self._write()
        await asyncio.wait([self.over], timeout=_CLOSES_WITHIN)
        self.abort()

    def abort(self) -> None:
        """Drop it as it is."""
        if self._giving_up is not None:
            self._giving_up.cancel()
        if self._transport is not None:
            self._transport.abort()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one by its methods only
        request = self._protocol.connect()
        request.headers.update(self._headers)
        self._protocol.send_request(request)
        self._write()

    def data_received(self, data: bytes) -> None:
        self._protocol.receive_data(data)
        self._received()

    def eof_received(self) -> None:
        self._protocol.receive_eof()
        self._received()

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._protocol.receive_eof()
        self._received()
        if not self.over.done():
            self.over.set_result(None)

    def _received(self) -> None:
        for event in self._protocol.events_received():
            self._event(event)
        if not self.let_in.done() and self._protocol.handshake_exc is not None:
            self.let_in.set_exception(self._protocol.handshake_exc)
        self._write()
        if self._transport and self._giving_up is None and self._protocol.close_expected():
            self._giving_up = asyncio.get_running_loop().call_later(_CLOSES_WITHIN, self.abort)

    def _event(self, event: Event) -> None:
        if isinstance(event, Response) and self._protocol.handshake_exc is None and not self.let_in.done():
            self.let_in.set_result(None)
        if not isinstance(event, Frame) or event.opcode not in (Opcode.TEXT, Opcode.CONT):
            return
        self._message = self._message + event.data if self._message else bytes(event.data)
        if not event.fin or self.over.done():
            return
        message, self._message = self._message, b""
        try:
            self._take(message)
        except ValueError as error:
            self.over.set_exception(error)

    def _write(self) -> None:
        for data in self._protocol.data_to_send():
            if self._transport is None:  # it is gone
                return
            if data:
                self._transport.write(data)
            elif self._transport.can_write_eof():
                self._transport.write_eof()


async def opened(url: str, headers: Mapping[str, str], take: Take) -> TextSocket:
    """A connection to ``ws://`` or ``wss://``. Raises Refused, OSError."""
    uri = parse_uri(url)
    loop = asyncio.get_running_loop()
    socket = TextSocket(url, {"User-Agent": "Twilio.TmeWs/1.0", **headers}, take)
    try:
        async with asyncio.timeout(_OPENS_WITHIN):
            await loop.create_connection(lambda: socket, uri.host, uri.port, ssl=uri.secure or None)
            await socket.let_in
    except InvalidStatus as refused:
        socket.abort()
        raise Refused(str(refused.response.status_code)) from None
    except (InvalidHandshake, EOFError) as error:
        socket.abort()
        raise OSError(f"no websocket: {error}") from error
    except BaseException:
        socket.abort()
        raise
    return socket
