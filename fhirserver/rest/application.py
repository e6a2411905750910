"""The web application: the FHIR edge, health, and what else is mounted beside it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Collection
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from starlette.routing import BaseRoute

from fhirserver.access.audit.event import Audit
from fhirserver.kernel.correlation import REQUEST, is_well_formed, made
from fhirserver.rest.beside import noting_refusals
from fhirserver.rest.edge import FhirEdge, Receive, Scope, Send
from fhirserver.rest.front import Front
from fhirserver.rest.metering import Meter
from fhirserver.rest.visits import Visits
from fhirserver.store.store import Store

SILENT: Final[Any] = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
"""FastAPI's own telemetry would tell paths, and paths hold ids; the environment could switch it on."""


class Application:
    """ASGI: everything under ``/fhir`` goes straight to the edge, the rest to FastAPI."""

    def __init__(
        self,
        edge: FhirEdge,
        web: FastAPI,
        end_streams: Callable[[], None] = lambda: None,
        beside: Collection[str] = (),
        meter: Meter | None = None,
        sign_ins: Collection[str] = (),
    ):
        """``end_streams``: called when the server is about to stop, for answers that would go on for ever.
        ``beside``: paths under ``/fhir`` that are no business of the edge; ``sign_ins``: those to which secrets are
        sent."""
        self._edge, self.web, self.end_streams = edge, web, end_streams
        self._beside = frozenset(beside)
        self._meter = meter or Meter()
        self.visits: Visits = edge.visits
        self._front = Front(web, self.visits, sign_ins)

    @property
    def audit(self) -> Audit:
        """Where is noted what never becomes a request."""
        return self._edge.context.audit

    @property
    def store(self) -> Store:
        """The store behind it, for tests and for those who serve and work in one process."""
        return self._edge.context.store

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        under = path.startswith("/fhir") and path[5:6] in ("", "/") and path not in self._beside
        if scope["type"] != "http":
            await self._front(scope, receive, send)
        elif under:
            await self._edge(scope, receive, send)
        else:
            await metered(self._beside_fhir, self._meter, scope, receive, send)

    async def _beside_fhir(self, scope: Scope, receive: Receive, send: Send) -> None:
        await noting_refusals(self._front, self.audit, scope, receive, send)


async def metered(
    application: Callable[[Scope, Receive, Send], Awaitable[None]],
    meter: Meter,
    scope: Scope,
    receive: Receive,
    send: Send,
) -> None:
    """Serve a request of what is beside FHIR: counted, and with an id in log and answer."""
    started, status = time.monotonic(), 500
    given = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"x-request-id"), "")
    id = given if is_well_formed(given) else made()
    REQUEST.set(id)

    async def sending(message: Scope) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
            message["headers"] = [*message.get("headers", ()), (b"x-request-id", id.encode())]
        await send(message)

    try:
        await application(scope, receive, sending)
    finally:
        meter.beside(scope["method"], scope["path"], status, time.monotonic() - started)


def web_application(
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]],
    routes: list[BaseRoute],
    *routers: APIRouter,
) -> FastAPI:
    """FastAPI with the given routes and routers. No OpenAPI pages: nothing but health is open."""
    web = FastAPI(
        title="Credence",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=lifespan,
        redirect_slashes=False,  # the address would be made of the Host that the client says
        telemetry=SILENT,
    )
    web.router.routes += routes
    for router in routers:
        web.include_router(router)
    return web
