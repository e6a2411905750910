"""Every request to ``/platform`` is in the audit, whatever became of it, with who made it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import HTTPConnection

from fhirserver.access.audit.event import PLATFORM, Audit
from fhirserver.interactions.noting import ORIGIN, Origin
from fhirserver.rest.beside import beside, number_of

Asgi = Callable[[Any, Any, Any], Awaitable[None]]


class NotingRequests:
    """ASGI around the application. What FHIR interactions it makes is noted by these, with the same address."""

    def __init__(self, app: Asgi, audit: Audit):
        self._app, self._audit = app, audit

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        address = connection.client.host if connection.client else ""
        ORIGIN.set(Origin(address, number_of(connection)))
        if self._audit.is_full:
            await self._audit.room()

        async def sending(message: Any) -> None:
            if message["type"] == "http.response.start":
                asked = scope.get("credence.asked")
                principal = asked.principal if asked else None
                self._audit.note(beside(PLATFORM, connection, principal, message["status"]))
            await send(message)

        await self._app(scope, receive, sending)
