"""Answers of the authorization server, and who may ask from a web page of another place: everybody, without cookies.

Apps are known by what they prove, never by a cookie: nothing is given away that the asking page could not get itself.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from fhirserver.access.audit.event import Audit
from fhirserver.access.smart.errors import OAuthError
from fhirserver.kernel.json import Json, JsonObject, dumps, pretty
from fhirserver.kernel.outcomes import Refusal
from fhirserver.rest.smart.noting import Note

Endpoint = Callable[[Request], Awaitable[Response]]
log = logging.getLogger("credence.smart")

PRIVATE = {"Cache-Control": "no-store", "Pragma": "no-cache", "X-Content-Type-Options": "nosniff"}
_OPEN = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "WWW-Authenticate, Location"}
_PREFLIGHT = {
    **_OPEN,
    "Access-Control-Allow-Headers": "Accept, Authorization, Content-Type",
    "Access-Control-Max-Age": "600",
}


def reply(body: Json, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer that nobody keeps."""
    return Response(dumps(body), status, {**PRIVATE, **(headers or {})}, "application/json")


def document(body: JsonObject, seconds: int = 300, media_type: str = "application/json") -> Response:
    """A JSON document that everybody may read and keep for a while."""
    headers = {"Cache-Control": f"public, max-age={seconds}", "X-Content-Type-Options": "nosniff"}
    return Response(pretty(body), 200, headers, media_type)


def refused(error: OAuthError, authorization: str = "") -> Response:
    """An error as :rfc:`6749` wants it, or :rfc:`6750` where it is about a bearer token."""
    of_bearer = error.code in ("invalid_token", "insufficient_scope")
    headers = {}
    if error.status == 401 or of_bearer:
        told = f', error="{error.code}"' if of_bearer and authorization else ""
        headers["WWW-Authenticate"] = f'{"Bearer" if of_bearer else "Basic"} realm="credence"{told}'
    return reply({"error": error.code, "error_description": error.description}, error.status, headers)


def answering(endpoint: Endpoint, what: str, audit: Audit) -> Endpoint:
    """An endpoint whose errors are answered as OAuth says, and whose answers are noted as ``what``."""

    async def guarded(request: Request) -> Response:
        request.state.note = note = Note(audit, what, request)
        answer = await _answered(endpoint, request, note)
        note.done(answer.status_code)
        return answer

    return guarded


async def _answered(endpoint: Endpoint, request: Request, note: Note) -> Response:
    try:
        return await endpoint(request)
    except OAuthError as error:
        known = error
    except Refusal as refusal:
        known = _of_bearer(refusal)
    log.info("%s %s: refused: %s", request.method, request.url.path, known.code)
    note.refused(known)
    return refused(known, request.headers.get("authorization", ""))


def _of_bearer(refusal: Refusal) -> OAuthError:
    """What is wrong with a bearer token. https://www.rfc-editor.org/rfc/rfc6750#section-3.1"""
    status = refusal.category.value
    code = "insufficient_scope" if status == 403 else "invalid_token"
    return OAuthError(code, "The bearer token is not accepted", status)


def from_anywhere(endpoint: Endpoint, methods: str) -> Endpoint:
    """An endpoint that web pages of all places may ask. ``methods`` such as ``POST``, with commas between."""

    async def opened(request: Request) -> Response:
        if request.method == "OPTIONS":
            allowed = f"{methods}, OPTIONS"
            return Response(
                status_code=204,
                headers={**_PREFLIGHT, "Allow": allowed, "Access-Control-Allow-Methods": methods},
            )
        answer = await endpoint(request)
        answer.headers.update(_OPEN)
        return answer

    return opened
