"""Streams of ``/chat`` over a real socket to somebody who does not read them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any

import uvicorn

from fhirserver.ports.chats import ChatEvent
from fhirserver.rest.chat.streams import NDJSON, beating, streamed

NOW = datetime(2026, 12, 1, tzinfo=UTC)
TEXT = "x" * 4000
_LOT = 500


class Endless:
    """Events without end, as fast as they are asked for."""

    def __init__(self) -> None:
        self.given, self.open = 0, 0

    async def lots(self) -> AsyncIterator[Sequence[ChatEvent]]:
        while True:
            first = self.given + 1
            self.given += _LOT
            yield [ChatEvent(n, NOW, "message", {"text": TEXT}) for n in range(first, first + _LOT)]
            await asyncio.sleep(0)

    @contextlib.contextmanager
    def opened(self) -> Any:
        self.open += 1
        try:
            yield
        finally:
            self.open -= 1

    async def application(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await streamed(self.lots(), NDJSON, asyncio.Event(), self.opened())(scope, receive, send)


async def test_no_more_is_made_than_is_read_and_who_goes_is_counted_no_more() -> None:
    endless = Endless()
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(endless.application, interface="asgi3", log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve([listener]))
    stuck = socket.socket()
    stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stuck.connect(listener.getsockname())
    stuck.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    await asyncio.sleep(1.0)
    given = endless.given
    await asyncio.sleep(0.5)
    assert endless.open == 1 and given and endless.given == given, "it goes on though nobody reads"
    assert given * len(TEXT) < 16 * 2**20
    stuck.close()
    async with asyncio.timeout(10):
        while endless.open:
            await asyncio.sleep(0.02)
    server.should_exit = True
    await serving


async def test_a_stream_ends_when_the_reader_is_let_in_no_longer() -> None:
    answers = iter([True, True, False])

    async def still() -> bool:
        return next(answers)

    async def quiet() -> AsyncIterator[Sequence[ChatEvent]]:
        await asyncio.Event().wait()
        yield ()

    beats = [one async for one in beating(quiet(), asyncio.Event(), 0.01, still)]
    assert beats == [None, None]
