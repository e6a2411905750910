"""Reading what comes to the authorization server: forms with each parameter once, and JSON, both small."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn
from urllib.parse import parse_qsl

from starlette.requests import Request

from fhirserver.access.smart.errors import invalid_request
from fhirserver.kernel.json import InvalidJson, Json, loads_unique

MOST_BYTES = 64 * 1024
_MOST_FIELDS = 200
_FORM = "application/x-www-form-urlencoded"


async def pairs_of(request: Request) -> Sequence[tuple[str, str]]:
    """The fields of a form in order, without empty ones: those count as left out. Raises OAuthError.

    https://www.rfc-editor.org/rfc/rfc6749#appendix-B
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _FORM:
        raise invalid_request(f"the body is of type {_FORM}")
    return read_pairs(await body_of(request))


async def fields_of(request: Request) -> dict[str, str]:
    """The fields of a form. Raises OAuthError where one is there twice."""
    pairs = await pairs_of(request)
    found = dict(pairs)
    if len(found) < len(pairs):
        raise invalid_request("a parameter is there more than once")
    return found


async def json_of(request: Request) -> Json:
    """The JSON of a body. Raises OAuthError."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise invalid_request("the body is of type application/json")
    try:
        return loads_unique(await body_of(request))
    except InvalidJson:
        raise invalid_request("the body is not JSON") from None


def read_pairs(raw: bytes) -> Sequence[tuple[str, str]]:
    """The parameters of a query or form. Raises OAuthError."""
    try:
        pairs = parse_qsl(raw.decode(), errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError:
        _unreadable()
    if any("\x00" in name or "\x00" in value for name, value in pairs):
        _unreadable()
    return pairs


def _unreadable() -> NoReturn:
    raise invalid_request(f"the parameters are not UTF-8, or more than {_MOST_FIELDS}")


async def body_of(request: Request) -> bytes:
    """The body. Raises OAuthError (413) for more than :data:`MOST_BYTES`."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            error = invalid_request(f"a body may have {MOST_BYTES} bytes")
            error.status = 413
            raise error
    return bytes(body)
