"""Applications that are made when the first request comes."""

from __future__ import annotations

from collections.abc import Callable

from fhirserver.rest.front import Asgi, Receive, Scope, Send


class Late:
    """An application that is made when the first request comes: what describes itself costs memory and a tenth of a
    second, and many servers are never asked."""

    def __init__(self, make: Callable[[], Asgi]):
        self._make = make
        self._made: Asgi | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._made is None:
            self._made = self._make()
        await self._made(scope, receive, send)
