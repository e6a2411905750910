"""The HTTP edge of the FHIR facade: ASGI in, ASGI out, nothing of FHIR's meaning.

Written against ASGI itself rather than a framework's routes, because this path is the server's hottest
(ADR 0008); FastAPI serves everything beside it.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, unquote

from fhirserver.access.principals import Principals
from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.registry import Handler, Registry
from fhirserver.kernel.ids import new_id
from fhirserver.kernel.json import dumps, loads, pretty
from fhirserver.kernel.outcomes import Category, Issue, Refusal, operation_outcome, refuse

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]

log = logging.getLogger("credence.rest")

_FHIR_JSON = b"application/fhir+json; charset=utf-8"
_WANTED = {
    b"authorization": "authorization",
    b"prefer": "prefer",
    b"if-match": "if-match",
    b"if-none-match": "if-none-match",
    b"if-modified-since": "if-modified-since",
    b"if-none-exist": "if-none-exist",
    b"x-provenance": "x-provenance",
    b"content-type": "content-type",
    b"content-length": "content-length",
    b"accept": "accept",
}
_JSON_FORMATS = frozenset({"json", "application/json", "application/fhir+json", "application/fhir json"})


class FhirEdge:
    """The ASGI application under the FHIR base path."""

    def __init__(
        self, context: Context, registry: Registry, principals: Principals, metadata: Handler, path: str
    ):
        self.context, self._registry, self._principals = context, registry, principals
        self._metadata, self._path = metadata, path
        self.last_request = 0.0
        """When the last request came, in monotonic seconds."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.last_request = time.monotonic()
        pretty_wanted = b"_pretty=true" in scope["query_string"]
        try:
            result = await self._answer(scope, receive)
        except Refusal as refusal:
            result = refused(refusal)
        except Exception as error:
            result = _fault(error)
        if pretty_wanted and result.body:
            result.body = pretty(loads(result.body))
        await _send(send, result, scope["method"] == "HEAD")

    async def _answer(self, scope: Scope, receive: Receive) -> Result:
        headers = {
            _WANTED[name]: value.decode("latin-1") for name, value in scope["headers"] if name in _WANTED
        }
        path = scope["path"][len(self._path) :]
        method: str = scope["method"]
        if path in ("metadata", "/metadata"):
            return await self._metadata(self.context, _metadata_request(self._principals, method))
        principal = self._principals.authenticate(headers.get("authorization"))
        if "accept" in headers:
            _check_accept(headers["accept"])
        params = _query(scope["query_string"])
        request = _request(Request(principal, method, params=params, headers=headers), path)
        if method in ("POST", "PUT", "PATCH"):
            request.body = await _body(receive, headers, self.context.limits.body_bytes)
            _check_content_type(method, request)
        return await self._registry.dispatch(self.context, request)


def _metadata_request(principals: Principals, method: str) -> Request:
    if method not in ("GET", "HEAD"):
        raise refuse(Category.NOT_ALLOWED, "not-supported", "metadata is read by GET", "http.method")
    return Request(None, method)  # type: ignore[arg-type]  # metadata is open to everybody


def _query(raw: bytes) -> Sequence[tuple[str, str]]:
    if not raw:
        return ()
    params = parse_qsl(raw.decode("latin-1"), keep_blank_values=True)
    for name, value in params:
        if (
            name == "_format"
            and value.lower().replace("+", " ") not in _JSON_FORMATS
            and value not in _JSON_FORMATS
        ):
            raise refuse(
                Category.NOT_ACCEPTABLE, "not-supported", "_format: only JSON is served", "http._format"
            )
    if b"_format" in raw or b"_pretty" in raw:
        return [pair for pair in params if pair[0] not in ("_format", "_pretty")]
    return params


def _request(request: Request, path: str) -> Request:
    """Read ``[type[/id[/_history[/version]|/$operation]]]`` off the path."""
    parts = path.strip("/").split("/") if path.strip("/") else []
    if "%" in path:
        parts = [unquote(part) for part in parts]
    if parts and parts[0][:1] in ("$", "_"):
        request.operation = parts.pop(0)
    elif parts:
        request.type = parts.pop(0)
    if parts and not request.operation:
        if parts[0][:1] in ("$", "_"):
            request.operation = parts.pop(0)
        else:
            request.id = parts.pop(0)
    if parts and request.id and not request.operation:
        if parts[0] == "_history" and len(parts) == 2:
            request.version, parts = parts[1], []
        else:
            request.operation = parts.pop(0)
    if parts:
        raise refuse(Category.NOT_FOUND, "not-supported", "There is nothing at this URL", "http.url")
    return request


def _check_accept(accept: str) -> None:
    if "json" in accept or "*/*" in accept or "application/*" in accept or not accept.strip():
        return
    raise refuse(
        Category.NOT_ACCEPTABLE, "not-supported", "Only application/fhir+json is served", "http.Accept"
    )


def _check_content_type(method: str, request: Request) -> None:
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.operation == "_search" and media == "application/x-www-form-urlencoded":
        body = request.body if isinstance(request.body, bytes) else b""
        form = parse_qsl(body.decode("latin-1"), keep_blank_values=True)
        request.params = [*request.params, *form]
        return
    if media in ("", "application/json", "application/fhir+json") or method == "PATCH" or not request.body:
        return
    raise refuse(
        Category.UNSUPPORTED_MEDIA,
        "not-supported",
        "The body must be application/fhir+json",
        "http.Content-Type",
    )


async def _body(receive: Receive, headers: dict[str, str], limit: int) -> bytes:
    length = headers.get("content-length", "")
    if length.isdigit() and int(length) > limit:
        raise _too_large(limit)
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise refuse(Category.INVALID, "structure", "The client went away before the body was complete")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
        if not message.get("more_body"):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _too_large(limit: int) -> Refusal:
    return refuse(Category.TOO_LARGE, "too-long", f"A body may have {limit} bytes", "http.body")


def refused(refusal: Refusal) -> Result:
    """The answer to a refusal: the status of its category and an OperationOutcome."""
    body = dumps(operation_outcome(refusal.issues))
    return Result(refusal.category.value, body, dict(refusal.headers))


def _fault(error: Exception) -> Result:
    """500 with a number to find the log line by. Exception texts may hold PHI, so only places are logged."""
    number = new_id()
    places = " < ".join(
        f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}"
        for frame in reversed(traceback.extract_tb(error.__traceback__)[-6:])
    )
    log.error("fault %s: %s at %s", number, type(error).__name__, places)
    text = f"The server failed; its log says more under {number}"
    return refused(Refusal(Category.FAULT, (Issue("exception", text),)))


async def _send(send: Send, result: Result, head_only: bool) -> None:
    body = result.body
    headers = [(b"content-length", str(len(body)).encode())]
    if body:
        headers.append((b"content-type", _FHIR_JSON))
    headers += [(name.lower().encode(), value.encode("latin-1")) for name, value in result.headers.items()]
    if result.status in (204, 304):
        headers = [pair for pair in headers if pair[0] not in (b"content-length", b"content-type")]
        body = b""
    await send({"type": "http.response.start", "status": result.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head_only else body})
