"""``GET /metrics``: figures of the server in the text format of Prometheus.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fhirserver.access.principals import Principal, require
from fhirserver.kernel.outcomes import Refusal

ROLE: Final = "metrics"
_FORWARDED: Final = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
"""Headers of a proxy: who is behind it is not who connects."""
Render = Callable[[str], Awaitable[tuple[bytes, str]]]
"""The figures for an ``Accept`` header, and their content type."""


class Authenticator(Protocol):
    """Knows callers by their tokens."""

    def authenticate(self, authorization: str | None) -> Principal: ...


class MetricsRoute:
    """The figures for whoever has the role ``metrics`` or ``admin``, or comes from where no token is asked for."""

    def __init__(self, render: Render, principals: Authenticator, is_open_to: Callable[[str], bool]):
        self._render, self._principals, self._is_open_to = render, principals, is_open_to

    def route(self) -> Route:
        return Route("/metrics", self.get, methods=["GET"])

    async def get(self, request: Request) -> Response:
        try:
            self._admit(request)
        except Refusal as refusal:
            text = refusal.issues[0].diagnostics
            return Response(text, refusal.category.value, dict(refusal.headers), "text/plain")
        body, content_type = await self._render(request.headers.get("accept", ""))
        return Response(body, headers={"Content-Type": content_type, "Cache-Control": "no-store"})

    def _admit(self, request: Request) -> None:
        """Raises a refusal (401, 403)."""
        direct = not any(name in request.headers for name in _FORWARDED)
        if direct and request.client is not None and self._is_open_to(request.client.host):
            return
        require(self._principals.authenticate(request.headers.get("authorization")), ROLE)
