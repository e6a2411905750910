"""The end of a server that somebody follows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from fhirserver.app.settled import SettledServer
from tests.server_process import free_port


class Followed(Starlette):
    def __init__(self) -> None:
        super().__init__(routes=[Route("/", self.follow)])
        self.ending = asyncio.Event()

    async def follow(self, request: Request) -> Response:
        async def said() -> AsyncIterator[bytes]:
            yield b"begun"
            await self.ending.wait()

        return StreamingResponse(said())

    def end_streams(self) -> None:
        self.ending.set()


async def test_what_is_followed_ends_when_the_server_is_asked_to_end() -> None:
    port = free_port()
    server = SettledServer(
        uvicorn.Config(Followed(), port=port, log_level="error", timeout_graceful_shutdown=20)
    )
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    async with (
        httpx.AsyncClient(trust_env=False) as client,
        client.stream("GET", f"http://127.0.0.1:{port}/") as answer,
    ):
        pieces = answer.aiter_bytes()
        assert await anext(pieces) == b"begun"
        begun = time.monotonic()
        server.should_exit = True
        assert [piece async for piece in pieces] == []
    await serving
    assert time.monotonic() - begun < 10, "it waited out its patience"
