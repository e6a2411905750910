"""A way to a FHIR server on which every search takes longer: ``python -m benchmarks.slow_proxy PORT TARGET SECONDS``.

A search is a GET with a query, or one of a bare type. Everything else goes through as it comes.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_HOP = frozenset({"host", "content-length", "connection", "transfer-encoding", "content-encoding"})


def proxy(target: str, seconds: float) -> Starlette:
    """The application."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with httpx.AsyncClient(base_url=target, timeout=30, trust_env=False) as client:
            app.state.client = client
            yield

    async def forward(request: Request) -> Response:
        if request.method == "GET" and request.url.query:
            await asyncio.sleep(seconds)
        headers = {k: v for k, v in request.headers.items() if k not in _HOP}
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        client: httpx.AsyncClient = request.app.state.client
        answer = await client.request(request.method, path, content=await request.body(), headers=headers)
        kept = {k: v for k, v in answer.headers.items() if k not in _HOP}
        return Response(answer.content, answer.status_code, kept)

    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    return Starlette(routes=[Route("/{path:path}", forward, methods=methods)], lifespan=lifespan)


if __name__ == "__main__":
    uvicorn.run(
        proxy(sys.argv[2], float(sys.argv[3])), port=int(sys.argv[1]), log_level="error", access_log=False
    )
