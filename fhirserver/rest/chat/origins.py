"""Which web pages may ask ``/chat``: those whose origin the service names.

https://fetch.spec.whatwg.org/#http-cors-protocol; no cookies are used, so no credentials are allowed.
"""

from __future__ import annotations

import re
from collections.abc import MutableSequence
from typing import Any, Final

from starlette.datastructures import Headers

from fhirserver.kernel.outcomes import Refusal
from fhirserver.ports.chats import Chats
from fhirserver.rest.front import Asgi, Message, Receive, Scope, Send

_SERVICE = re.compile(r"/services/([A-Za-z0-9\-.]{1,64})(?:/|\Z)")
_PREFLIGHT: Final = [
    (b"access-control-allow-methods", b"GET, POST"),
    (b"access-control-allow-headers", b"authorization, content-type, accept, idempotency-key, last-event-id"),
    (b"access-control-max-age", b"600"),
]
_EXPOSED = (b"access-control-expose-headers", b"location, retry-after, x-request-id")


class Origins:
    """ASGI around the application."""

    def __init__(self, inner: Asgi, chats: Chats):
        self._inner, self._chats = inner, chats

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope) if scope["type"] in ("http", "websocket") else Headers()
        origin = headers.get("origin", "")
        if not origin:
            await self._inner(scope, receive, send)
            return
        allowed = await self._allowed(scope, origin)
        if scope["type"] == "websocket":
            if allowed or _is_own(origin, headers):
                await self._inner(scope, receive, send)
            else:
                await send({"type": "websocket.close", "code": 4403})
            return
        asks = scope["method"] == "OPTIONS" and "access-control-request-method" in headers
        if asks:
            await _preflight(origin if allowed else "", send)
            return
        await self._inner(scope, receive, _telling(origin, send) if allowed else send)

    async def _allowed(self, scope: Scope, origin: str) -> bool:
        found = _SERVICE.search(scope["path"])
        if found is None:
            return False
        try:
            return origin in (await self._chats.service(found[1])).origins
        except Refusal:
            return False


def _is_own(origin: str, headers: Headers) -> bool:
    """Whether a page of this very server asks."""
    return origin.partition("://")[2] == headers.get("host", "")


def _telling(origin: str, send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            told: MutableSequence[Any] = list(message.get("headers", ()))
            told += [(b"access-control-allow-origin", origin.encode()), (b"vary", b"origin"), _EXPOSED]
            message = {**message, "headers": told}
        await send(message)

    return sending


async def _preflight(origin: str, send: Send) -> None:
    told: list[tuple[bytes, bytes]] = [(b"content-length", b"0"), (b"vary", b"origin")]
    if origin:
        told += [(b"access-control-allow-origin", origin.encode()), *_PREFLIGHT]
    await send({"type": "http.response.start", "status": 204 if origin else 403, "headers": told})
    await send({"type": "http.response.body", "body": b""})
