"""The HTTP edge of the FHIR facade: ASGI in, ASGI out, nothing of FHIR's meaning.

Written against ASGI itself rather than a framework's routes, because this path is the server's hottest
(ADR 0008); FastAPI serves everything beside it.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, TypeAlias

from fhirserver.access.principals import Principals
from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.faults import fault
from fhirserver.interactions.registry import Handler, Registry
from fhirserver.kernel.json import dumps, loads, pretty
from fhirserver.kernel.outcomes import Category, Refusal, operation_outcome, refuse
from fhirserver.kernel.queries import decode_query

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]

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
    b"content-encoding": "content-encoding",
    b"accept": "accept",
}
_MOST_PARAMETERS = 1000
_FORM = "application/x-www-form-urlencoded"
_JSON_BODIES = frozenset({"", "application/json", "application/fhir+json", "text/json"})
_JSON_FORMATS = frozenset({"json", "application/json", "application/fhir+json", "application/fhir json"})


class FhirEdge:
    """The ASGI application under the FHIR base path."""

    def __init__(
        self,
        context: Context,
        registry: Registry,
        principals: Principals,
        metadata: Handler,
        path: str,
        openapi: Handler,
    ):
        self.context, self._registry, self._principals = context, registry, principals
        self._metadata, self._path, self._openapi = metadata, path, openapi
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
            result = refused(fault(error))
        if pretty_wanted and result.body and not result.content_type:
            result.body = pretty(loads(result.body))
        await _send(send, result, scope["method"] == "HEAD")

    async def _answer(self, scope: Scope, receive: Receive) -> Result:
        headers = {_WANTED[name]: _header_text(value) for name, value in scope["headers"] if name in _WANTED}
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
        if path == "/openapi.json":
            return await self._openapi(self.context, request)
        return await self._registry.dispatch(self.context, request)


def _header_text(value: bytes) -> str:
    """A header's text: UTF-8, as the JSON of X-Provenance is, or the Latin-1 that HTTP once meant."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _metadata_request(principals: Principals, method: str) -> Request:
    if method not in ("GET", "HEAD"):
        raise refuse(Category.NOT_ALLOWED, "not-supported", "metadata is read by GET", "http.method")
    return Request(None, method)  # type: ignore[arg-type]  # metadata is open to everybody


def _query(raw: bytes) -> Sequence[tuple[str, str]]:
    if not raw:
        return ()
    params = _pairs(raw, "http.url")
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


def _pairs(raw: bytes, where: str) -> list[tuple[str, str]]:
    """The names and values of a query or form. Raises a refusal (400) for bytes that are not UTF-8."""
    try:
        return decode_query(raw.decode(), _MOST_PARAMETERS)
    except ValueError:
        text = f"The parameters are not UTF-8, or more than {_MOST_PARAMETERS}"
        raise refuse(Category.INVALID, "structure", text, where) from None


def _request(request: Request, path: str) -> Request:
    """Read ``[type[/id[/_history[/version[/$operation]]|/$operation]]]`` off the path."""
    parts = path.strip("/").split("/") if path.strip("/") else []
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
        if parts[0] == "_history" and len(parts) > 1:
            request.version, parts = parts[1], parts[2:]
        if parts and (not request.version or parts[0][:1] == "$"):
            request.operation = parts.pop(0)
    if parts:
        raise refuse(Category.NOT_FOUND, "not-supported", "There is nothing at this URL", "http.url")
    return request


def _check_accept(accept: str) -> None:
    if not accept.strip():
        return
    for part in accept.split(","):
        media, *options = (text.strip().lower() for text in part.split(";"))
        if _is_served(media) and all(_agrees(option) for option in options):
            return
    text = "Only application/fhir+json of FHIR 4.0 is served"
    raise refuse(Category.NOT_ACCEPTABLE, "not-supported", text, "http.Accept")


def _is_served(media: str) -> bool:
    return media in ("*/*", "application/*", "text/json") or media in _JSON_FORMATS


def _agrees(option: str) -> bool:
    """Whether an option of a media range fits what is served: version 4.0, and not weighed with nothing."""
    name, _, value = option.partition("=")
    if name.strip() == "fhirversion":
        return value.strip('" ').startswith("4.0")
    return not (name.strip() == "q" and value.strip(" 0.") == "")


def _check_content_type(method: str, request: Request) -> None:
    """Refuse (415) what is not read, rather than read it as something else. A form becomes parameters."""
    if request.headers.get("content-encoding", "identity") != "identity":
        raise _unsupported("A body must not be compressed", "http.Content-Encoding")
    media, _, options = request.headers.get("content-type", "").partition(";")
    media = media.strip().lower()
    if "charset" in options and "utf-8" not in options.lower():
        raise _unsupported("A body must be UTF-8", "http.Content-Type")
    if request.operation == "_search":
        _take_form(request, media)
    elif request.body and method != "PATCH" and media not in _JSON_BODIES:
        raise _unsupported("The body must be application/fhir+json", "http.Content-Type")


def _take_form(request: Request, media: str) -> None:
    body = request.body if isinstance(request.body, bytes) else b""
    if not body:
        return
    if media != _FORM:
        raise _unsupported(f"POST _search takes {_FORM}", "http.Content-Type")
    request.params = [*request.params, *_query(body)]


def _unsupported(text: str, where: str) -> Refusal:
    return refuse(Category.UNSUPPORTED_MEDIA, "not-supported", text, where)


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


async def _send(send: Send, result: Result, head_only: bool) -> None:
    body = result.body
    headers = [(b"content-length", str(len(body)).encode())]
    if body:
        own = result.content_type
        headers.append((b"content-type", own.encode("latin-1") if own else _FHIR_JSON))
    headers += [(name.lower().encode(), value.encode("latin-1")) for name, value in result.headers.items()]
    if result.status in (204, 304):
        headers = [pair for pair in headers if pair[0] not in (b"content-length", b"content-type")]
        body = b""
    await send({"type": "http.response.start", "status": result.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head_only else body})
