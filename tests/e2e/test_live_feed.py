"""The simulated caller's ear: server-sent events over a real socket, with breaks."""

from __future__ import annotations

import asyncio
import time

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from agent.simulator.hears import LiveFeed
from tests.server_process import free_port

EVENTS = [
    '{"kind":"agent","text":"Hello."}', '{"kind":"tool","text":"FindPatients"}', '{"kind":"result","text":"Found"}',
    '{"kind":"agent","text":"How can I help?"}',
]  # fmt: skip


async def test_the_feed_is_read_on_from_where_it_broke_and_left_when_it_is_over() -> None:
    asked: list[tuple[str, str]] = []

    async def events(request: Request) -> Response:
        asked.append((request.headers.get("authorization", ""), request.headers.get("last-event-id", "")))
        if len(asked) == 1:
            return Response(status_code=404)  # the call is not known yet
        after = int(request.headers.get("last-event-id", "0"))
        if after == len(EVENTS):
            return Response(status_code=204)

        async def two() -> object:
            for number in range(after + 1, after + 3):
                yield f"id: {number}\ndata: {EVENTS[number - 1]}\n\n"

        return StreamingResponse(two(), media_type="text/event-stream")  # type: ignore[arg-type]

    port = free_port()
    app = Starlette(routes=[Route("/live/calls/CA1/events", events)])
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", lifespan="off"))
    serving = asyncio.create_task(server.serve())
    begun = time.monotonic()
    feed = LiveFeed(f"http://127.0.0.1:{port}/", "secret", "CA1", lambda: time.monotonic() - begun)
    async with httpx.AsyncClient() as client, feed.following(client):
        while len(asked) < 4 and time.monotonic() - begun < 10:
            await asyncio.sleep(0.02)
    server.should_exit = True
    await serving
    assert asked == [
        ("Bearer secret", ""),
        ("Bearer secret", ""),
        ("Bearer secret", "2"),
        ("Bearer secret", "4"),
    ]
    assert (feed.words, feed.finished) == ("Hello. How can I help?", True)
    assert len(feed.events) == 4
