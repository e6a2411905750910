"""The web application: the FHIR edge, health, and what else is mounted beside it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Collection
from contextlib import AbstractAsyncContextManager

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Router

from fhirserver.access.audit.event import Audit
from fhirserver.kernel.correlation import REQUEST, is_well_formed, made
from fhirserver.kernel.outcomes import Refusal
from fhirserver.rest.beside import noting_refusals
from fhirserver.rest.edge import FhirEdge, Receive, Scope, Send
from fhirserver.rest.front import Front
from fhirserver.rest.metering import Meter
from fhirserver.rest.visits import Visits
from fhirserver.store.store import Store


class Application:
    """ASGI: everything under ``/fhir`` goes straight to the edge, the rest to Starlette."""

    def __init__(
        self,
        edge: FhirEdge,
        web: Starlette,
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
        self.tenants: Callable[[Scope, Receive, Send], Awaitable[None]] | None = None
        """What serves ``/workspaces/…``: other tenants, each an application of its own."""
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
        if self.tenants is not None and path.startswith("/workspaces/"):
            await self._beside_tenants(self.tenants, scope, receive, send)
        elif scope["type"] != "http":
            await self._front(scope, receive, send)
        elif under:
            await self._edge(scope, receive, send)
        else:
            await metered(self._beside_fhir, self._meter, scope, receive, send)

    async def _beside_tenants(
        self,
        tenants: Callable[[Scope, Receive, Send], Awaitable[None]],
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        """Hand over to another tenant, where this address does not ask too much of all of them."""
        try:
            self.visits.admit(scope)
        except Refusal:
            await self._front(scope, receive, send)  # which refuses it as it refuses everything
            return
        await tenants(scope, receive, send)

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
    lifespan: Callable[[Starlette], AbstractAsyncContextManager[None]],
    routes: list[BaseRoute],
    *routers: Router,
) -> Starlette:
    """Starlette with the given routes and those of the routers. FastAPI is left to what describes itself: it takes
    15 MB of every process."""
    web = Starlette(routes=[*routes, *(route for one in routers for route in one.routes)], lifespan=lifespan)
    web.router.redirect_slashes = False  # the address would be made of the Host that the client says
    return web
