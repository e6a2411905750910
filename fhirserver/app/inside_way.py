"""The way from parts of this process to the server they live in: FHIR clients without a socket."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import httpx

from agent.tools.client import FhirClient
from fhirserver.access.inside import InsidePrincipals
from fhirserver.access.principals import Principal
from fhirserver.rest.edge import FhirEdge

Application = Callable[[Any, Any, Any], Awaitable[object]]
_EDGE = "/fhir"


def inside_transport(application: Application, base: str, at: str) -> httpx.ASGITransport:
    """To an application of this process that has at ``at`` what others find at the address ``base``."""
    begin = urlsplit(base).path.rstrip("/")

    async def inside(scope: Any, receive: Any, send: Any) -> None:
        if begin != at:
            raw = scope["raw_path"].removeprefix(begin.encode())
            path = scope["path"].removeprefix(begin)
            scope = {**scope, "path": at + path, "raw_path": at.encode() + raw}
        await application(scope, receive, send)

    return httpx.ASGITransport(app=inside, raise_app_exceptions=False)


class InsideWay:
    """To FHIR. ``fhir_base`` is where others find it; ``principals`` who comes in by this way."""

    def __init__(self, fhir_base: str, edge: FhirEdge, principals: InsidePrincipals):
        self._base, self._edge, self._principals = fhir_base, edge, principals

    def client(self, principal: Principal) -> FhirClient:
        """For a part that stays as long as the process."""
        return self._made(self._principals.admit(principal))

    @contextlib.asynccontextmanager
    async def visiting(self, principal: Principal) -> AsyncIterator[FhirClient]:
        """For as long as the block lasts."""
        token = self._principals.admit(principal)
        client = self._made(token)
        try:
            yield client
        finally:
            self._principals.dismiss(token)
            await client.close()

    def _made(self, token: str) -> FhirClient:
        return FhirClient(self._base, token, inside_transport(self._edge, self._base, _EDGE))
