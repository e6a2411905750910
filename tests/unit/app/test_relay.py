"""ASGI passed on from one process to another, over a real socket: bodies, streams, WebSockets, and what breaks."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from fhirserver.app import relay
from fhirserver.app.relay import Relay, RelayServer
from fhirserver.app.relay_transport import RelayTransport

GONE: list[asyncio.Event] = []


async def echo(request: Request) -> Response:
    body = await request.body()
    told = {
        "method": request.method,
        "query": request.url.query,
        "bytes": len(body),
        "x": request.headers["x"],
    }
    return JSONResponse(told, 201, {"y": "2"})


async def count(request: Request) -> Response:
    async def numbers() -> AsyncIterator[bytes]:
        try:
            for n in range(3):
                yield b"%d\n" % n
            await asyncio.sleep(3600)
        finally:
            GONE[-1].set()

    return StreamingResponse(numbers())


async def broken(request: Request) -> Response:
    async def cut() -> AsyncIterator[bytes]:
        yield b"the beginning"
        raise OSError

    return StreamingResponse(cut())


async def upper(socket: WebSocket) -> None:
    await socket.accept()
    async for text in socket.iter_text():
        await socket.send_text(text.upper())
    GONE[-1].set()


@pytest.fixture
async def path(tmp_path: Path) -> AsyncIterator[Path]:
    deep = tmp_path / ("a" * 60) / ("b" * 60)  # longer than an address may be
    deep.mkdir(parents=True)
    routes = [
        Route("/echo", echo, methods=["POST"]),
        Route("/count", count),
        Route("/broken", broken),
        WebSocketRoute("/upper", upper),
    ]
    server = RelayServer(deep / "relay", Starlette(routes=routes))
    await server.open()
    GONE.append(asyncio.Event())
    yield deep / "relay"
    await server.close()


def client(path: Path) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=RelayTransport(path), base_url="http://relay")


async def test_nobody_else_may_open_it(path: Path) -> None:
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


async def test_requests_and_answers_are_as_they_were(path: Path) -> None:
    async with client(path) as http:
        for size in (0, 10, 3_000_000):
            answer = await http.post("/echo?a=1&b=%20", content=b"x" * size, headers={"x": "1"})
            assert answer.status_code == 201 and answer.headers["y"] == "2"
            assert answer.json() == {"method": "POST", "query": "a=1&b=%20", "bytes": size, "x": "1"}
        answers = await asyncio.gather(*(http.post("/echo", headers={"x": str(n)}) for n in range(50)))
        assert [one.json()["x"] for one in answers] == [str(n) for n in range(50)]


async def test_streams_come_as_they_are_made_and_end_when_nobody_reads(path: Path) -> None:
    async with client(path) as http, http.stream("GET", "/count") as answer:
        lines = answer.aiter_lines()
        assert [await anext(lines) for _ in range(3)] == ["0", "1", "2"]
    async with asyncio.timeout(10):
        await GONE[-1].wait()


async def test_an_answer_that_breaks_off_does_not_look_whole(path: Path) -> None:
    async with client(path) as http:
        with pytest.raises(httpx.RemoteProtocolError):
            async with http.stream("GET", "/broken") as answer:
                await answer.aread()


async def test_websockets(path: Path) -> None:
    inward: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    outward: asyncio.Queue[Any] = asyncio.Queue()
    for message in ({"type": "websocket.connect"}, {"type": "websocket.receive", "text": "hello"}):
        inward.put_nowait(message)
    scope = {"type": "websocket", "path": "/upper", "headers": [], "query_string": b"", "root_path": ""}
    passing = asyncio.create_task(Relay(path)(scope, inward.get, outward.put))
    assert (await outward.get())["type"] == "websocket.accept"
    assert (await outward.get())["text"] == "HELLO"
    inward.put_nowait({"type": "websocket.disconnect", "code": 1001})
    async with asyncio.timeout(10):
        await GONE[-1].wait()
        await asyncio.gather(passing, return_exceptions=True)


async def test_where_nobody_is_the_answer_says_when_to_come_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "CONNECT_SECONDS", 0.05)
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await Relay(tmp_path / "none")({"type": "http", "path": "/"}, None, send)  # type: ignore[arg-type]
    assert sent[0]["status"] == 503 and (b"retry-after", b"2") in sent[0]["headers"]
