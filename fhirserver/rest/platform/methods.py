"""A path that is there is answered by its own methods: ``GET /forms/scan`` is no form of the id ``scan``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from fastapi.routing import APIRoute

from fhirserver.rest.platform.problems import problem

Asgi = Callable[[Any, Any, Any], Awaitable[None]]


class OwnMethods:
    """ASGI around the application: 405 for a method that a path without parameters has not."""

    def __init__(self, app: Asgi, endpoints: Iterable[APIRoute]):
        self._app = app
        self._methods: dict[str, set[str]] = {}
        for route in endpoints:
            if "{" not in route.path_format:
                self._methods.setdefault(route.path_format, set()).update(route.methods or ())

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        allowed = self._allowed(scope) if scope["type"] == "http" else None
        if allowed is None or scope["method"] in allowed:
            await self._app(scope, receive, send)
            return
        refused = problem(405, "Method Not Allowed", (), {"Allow": ", ".join(sorted(allowed))})
        await refused(scope, receive, send)

    def _allowed(self, scope: Any) -> set[str] | None:
        """The methods of the path, where it stands in the description as it is."""
        return self._methods.get(scope["path"].removeprefix(scope.get("root_path", "")))
