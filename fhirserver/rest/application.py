"""The web application: the FHIR edge, health, and what else is mounted beside it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from fastapi import APIRouter, FastAPI
from fastapi.responses import JSONResponse

from fhirserver.rest.edge import FhirEdge, Receive, Scope, Send
from fhirserver.store.store import Store


class Application:
    """ASGI: everything under ``/fhir`` goes straight to the edge, the rest to FastAPI."""

    def __init__(self, edge: FhirEdge, web: FastAPI, end_streams: Callable[[], None] = lambda: None):
        """``end_streams``: called when the server is about to stop, for answers that would go on for ever."""
        self._edge, self._web, self.end_streams = edge, web, end_streams

    @property
    def store(self) -> Store:
        """The store behind it, for tests and for those who serve and work in one process."""
        return self._edge.context.store

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/fhir") and scope["path"][5:6] in ("", "/"):
            await self._edge(scope, receive, send)
        else:
            await self._web(scope, receive, send)


def web_application(
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]],
    ready: Callable[[], bool],
    *routers: APIRouter,
) -> FastAPI:
    """FastAPI with health routes and the given routers. No OpenAPI pages: nothing but health is open."""
    web = FastAPI(title="Credence", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)

    @web.get("/healthz")
    async def healthz() -> JSONResponse:  # a model of the answer would cost a fifth of a second at each start
        return JSONResponse({"status": "ok"})

    @web.get("/readyz")
    async def readyz() -> JSONResponse:
        if ready():
            return JSONResponse({"status": "ready"})
        return JSONResponse({"status": "starting"}, status_code=503)

    for router in routers:
        web.include_router(router)
    return web
