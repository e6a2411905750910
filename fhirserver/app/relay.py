"""ASGI from one process to another, over a Unix socket that only this user may open.

What lives in one process of several is served by all: a worker passes each request on, with its body, its streams and
its WebSockets, as the messages of ASGI themselves. A frame is its length (4 bytes) and a value in MessagePack; the
first of a connection is the scope, and there is one connection for each request.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import struct
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any, Final

import msgspec

from fhirserver.kernel.json import dumps
from fhirserver.rest.front import Asgi, Message, Receive, Scope, Send

log = logging.getLogger("credence.relay")

CONNECT_SECONDS: Final = 8.0
"""How long a process that is being started again is waited for."""
_AGAIN_SECONDS: Final = 0.05
_LINGER_SECONDS: Final = 2.0
_MOST: Final = 64 * 1024 * 1024
_SCOPE: Final = (
    "type", "http_version", "server", "client", "scheme", "method", "root_path", "path", "raw_path", "query_string",
    "headers", "subprotocols", "extensions",
)  # fmt: skip
_END: Final[Message] = {"type": "relay.end"}
_GONE: Final = frozenset({"http.disconnect", "websocket.disconnect"})


class Address:
    """Where a socket is: a name in a folder. An address may have 107 bytes, and a folder's path has more at times."""

    def __init__(self, path: Path):
        self.path = path

    @contextlib.contextmanager
    def short(self) -> Iterator[str]:
        """A path that is short enough, for as long as the block lasts."""
        if len(os.fsencode(self.path)) < 100 or not Path("/proc/self/fd").is_dir():
            yield str(self.path)
            return
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            yield f"/proc/self/fd/{folder}/{self.path.name}"
        finally:
            os.close(folder)


async def read_frame(reader: asyncio.StreamReader) -> Any:
    """The next frame. Raises EOFError (IncompleteReadError) at the end."""
    (size,) = struct.unpack("!I", await reader.readexactly(4))
    if size > _MOST:
        raise EOFError
    return msgspec.msgpack.decode(await reader.readexactly(size))


def written_frame(value: Any) -> bytes:
    """A frame as it goes over the wire."""
    data = msgspec.msgpack.encode(value)
    return struct.pack("!I", len(data)) + data


class Relay:
    """ASGI that passes everything on to whoever listens at ``path``."""

    def __init__(self, path: Path):
        self._address = Address(path)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection; somebody who is not there yet is waited for. Raises OSError."""
        until = asyncio.get_running_loop().time() + CONNECT_SECONDS
        while True:
            try:
                with self._address.short() as path:
                    return await asyncio.open_unix_connection(path)
            except OSError:
                if asyncio.get_running_loop().time() > until:
                    raise
            await asyncio.sleep(_AGAIN_SECONDS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            reader, writer = await self.connect()
        except OSError:
            await _away(scope, receive, send)
            return
        passing = asyncio.create_task(_pass_in(receive, writer, scope))
        try:
            await _pass_out(reader, send)
        finally:
            passing.cancel()
            await asyncio.gather(passing, return_exceptions=True)
            writer.close()


def scope_of(scope: Scope) -> dict[str, Any]:
    """What of a scope is passed on."""
    told = {name: scope[name] for name in _SCOPE if name in scope}
    told["extensions"] = {name: {} for name in scope.get("extensions") or ()}
    return told


async def _pass_in(receive: Receive, writer: asyncio.StreamWriter, scope: Scope) -> None:
    writer.write(written_frame(scope_of(scope)))
    while True:
        message = await receive()
        writer.write(written_frame(message))
        await writer.drain()
        if message["type"] in _GONE:
            return


async def _pass_out(reader: asyncio.StreamReader, send: Send) -> None:
    """Raises ConnectionResetError where the other process ended in the midst: no client must take that for the end."""
    while True:
        try:
            message = await read_frame(reader)
        except (EOFError, OSError):
            raise ConnectionResetError("the process that answers is gone") from None
        if message["type"] == _END["type"]:
            return
        await send(message)


async def _away(scope: Scope, receive: Receive, send: Send) -> None:
    """Nobody answers."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1013})
        return
    body = dumps(
        {"type": "about:blank", "status": 503, "title": "This part of the server is being started again"}
    )
    headers = [(b"content-type", b"application/problem+json"), (b"retry-after", b"2")]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class RelayServer:
    """Serves an application to those who pass requests on."""

    def __init__(self, path: Path, application: Asgi):
        self._address, self._application = Address(path), application
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Listen; what a process before this one has left there is taken away. Raises OSError."""
        self._server = await asyncio.start_unix_server(self._accept, sock=_bound(self._address))

    async def close(self) -> None:
        if self._server is None:
            return
        self._server.close()
        self._address.path.unlink(missing_ok=True)
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            if _peer(writer) == os.getuid():
                await self._serve(reader, writer)
        except (EOFError, OSError):
            pass  # whoever asked is gone
        except Exception as error:  # what one request meets is not the others'
            log.error("a request that was passed on failed: %s", type(error).__name__)
        finally:
            self._serving.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        scope: MutableMapping[str, Any] = await read_frame(reader)
        scope["headers"] = [(name, value) for name, value in scope.get("headers", ())]
        gone = "websocket.disconnect" if scope["type"] == "websocket" else "http.disconnect"
        scope["asgi"] = {"version": "3.0", "spec_version": "2.3"}
        for name in ("client", "server"):
            scope[name] = tuple(scope[name]) if scope.get(name) else None

        async def receive() -> Message:
            try:
                message: Message = await read_frame(reader)
            except (EOFError, OSError):
                return {"type": gone, "code": 1006}
            return message

        async def send(message: Message) -> None:
            writer.write(written_frame(dict(message)))
            await writer.drain()

        await self._application(scope, receive, send)
        writer.write(written_frame(_END))
        await writer.drain()
        # Whoever closes on bytes that it has not read takes from the other side what that has not read either.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LINGER_SECONDS):
                while await reader.read(65536):
                    pass


def _bound(address: Address) -> socket.socket:
    """A socket in a file that only this user may open, from the first moment on."""
    listener = socket.socket(socket.AF_UNIX)
    with address.short() as path:
        Path(path).unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            listener.bind(path)
        finally:
            os.umask(before)
    return listener


def _peer(writer: asyncio.StreamWriter) -> int:
    """The user at the other end; our own where the system does not tell: then the file's mode has to do."""
    if not hasattr(socket, "SO_PEERCRED"):
        return os.getuid()
    peer = writer.get_extra_info("socket").getsockopt(
        socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")
    )
    return int(struct.unpack("3i", peer)[1])
