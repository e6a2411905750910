"""The HTTP edge of the FHIR facade: ASGI in, ASGI out, nothing of FHIR's meaning.

Written against ASGI itself rather than a framework's routes, because this path is the server's hottest
(ADR 0008); FastAPI serves everything beside it.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, MutableMapping, Sequence, Set
from functools import partial
from typing import Any, TypeAlias
from urllib.parse import quote

from fhirserver.access.principals import Principals
from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.faults import fault
from fhirserver.interactions.noting import commits_made, dispatch_noted, event_of, refusal_event
from fhirserver.interactions.paths import locate
from fhirserver.interactions.registry import Handler, Registry
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.kernel.tracing import SERVER, TRACING, Span, span
from fhirserver.rest import binary
from fhirserver.rest.address import check_size, nothing_there, parameters, segments
from fhirserver.rest.answers import Shape, identified, refused, respond
from fhirserver.rest.bodies import check_elements, decoded, form_parameters, read_body
from fhirserver.rest.capabilities import Capabilities
from fhirserver.rest.cors import EVERYBODY, Cors
from fhirserver.rest.defence import note
from fhirserver.rest.headers import read_headers
from fhirserver.rest.jobs import PATH, Jobs, wants_async
from fhirserver.rest.metering import Meter, template
from fhirserver.rest.negotiation import accepted, check_accept, check_charset, named_format, not_acceptable
from fhirserver.rest.safe_headers import HSTS
from fhirserver.rest.visits import Visits

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
_Params: TypeAlias = Sequence[tuple[str, str]]

_OF_THE_EDGE = frozenset({"_format", "_pretty"})
_BODIES = frozenset({"POST", "PUT", "PATCH"})
_DOCUMENTS = frozenset({"metadata", "openapi.json"})
_NO_CORS = Cors()
_NONE: frozenset[int] = frozenset()


class FhirEdge:
    """The ASGI application under the FHIR base path."""

    def __init__(
        self,
        context: Context,
        registry: Registry,
        principals: Principals,
        path: str,
        openapi: Handler,
        cors: Cors = _NO_CORS,
        jobs: Jobs | None = None,
        meter: Meter | None = None,
        visits: Visits | None = None,
    ):
        self.context, self._registry, self._principals = context, registry, principals
        self._metadata, self._openapi, self._cors = (
            Capabilities(registry.handler("metadata", "GET")),
            openapi,
            cors,
        )
        self._base, self._statement, self._jobs = path.encode(), f"{path}/metadata", jobs
        self._meter = meter or Meter()
        self.visits = visits or Visits()
        self.last_request = 0.0
        """When the last request came, in monotonic seconds."""

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[object]:
        if TRACING.tracer is None:
            return self._serve(scope, receive, send)
        return self._traced(scope, receive, send)

    async def _traced(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer inside of a span."""
        with span("request", SERVER, traceparent(scope)) as seen:
            shape, status = await self._serve(scope, receive, send)
            describe(seen, scope["method"], shape, status)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> tuple[Shape, int]:
        """Answer, whatever happens. The request as far as it was understood, and the status that was sent."""
        self.last_request = started = time.monotonic()
        method: str = scope["method"]
        shape = Shape(reads=method in ("GET", "HEAD"), head_only=method == "HEAD")
        if shape.reads:
            result = await self._noted(scope, receive, shape, _NONE)
        else:
            with commits_made() as made:
                result = await self._noted(scope, receive, shape, made)
        try:
            await respond(send, result, shape)
        finally:
            self._meter.answered(method, shape.request, result.status, time.monotonic() - started)
        return shape, result.status

    async def _noted(self, scope: Scope, receive: Receive, shape: Shape, made: Set[int]) -> Result:
        """The answer or the refusal, which the audit knows of before anybody else does."""
        try:
            read_headers(scope["headers"], shape.headers)
            identified(shape)
            result = await self._answer(scope, receive, shape)
        except Refusal as refusal:
            note(refusal, scope)
            if refusal.category is Category.UNAUTHENTICATED:
                refusal = self.visits.failed(scope) or refusal
            return self._note_refusal(scope, shape, refusal, made)
        except Exception as error:
            return self._note_refusal(scope, shape, fault(error), made)
        request = shape.request
        if request is not None and shape.noted:
            self.context.audit.note(event_of(request, self._registry.code(request), result, sorted(made)))
        return result

    def _note_refusal(self, scope: Scope, shape: Shape, refusal: Refusal, made: Set[int]) -> Result:
        """Note a refusal, also of what was never understood as a request, and answer it."""
        request = shape.request or self._unread(scope, shape)
        code = self._registry.code(request) or "request"
        self.context.audit.note(refusal_event(request, code, refusal, sorted(made)))
        return refused(refusal)

    def _unread(self, scope: Scope, shape: Shape) -> Request:
        """What is known of a request whose URL or headers are wrong."""
        request = Request(None, scope["method"], headers=shape.headers)  # type: ignore[arg-type]
        request.address, request.number = _address(scope), shape.id or identified(shape)
        return request

    async def _answer(self, scope: Scope, receive: Receive, shape: Shape) -> Result:
        if scope.get("scheme") == "https":
            shape.more.append(HSTS)
        cors = await self._cors_at(scope["path"], shape)
        self.visits.admit(scope)
        if "host" not in shape.headers and scope.get("http_version") == "1.1":
            raise refuse(Category.INVALID, "required", "HTTP/1.1 asks for a Host header", "http.Host")
        take_accept(shape)
        request = self._request(scope, shape)
        if request.method == "OPTIONS":
            shape.noted = False
            return self._options(request, shape, cors)
        if request.type in _DOCUMENTS and not request.id and request.compartment is None:
            shape.noted = False
            return await self._document(request, shape)
        if self.context.audit.is_full:
            await self.context.audit.room()
        request.principal = await self._principals.known(shape.headers.get("authorization"))
        self.visits.admit_principal(request.principal.name, scope)
        if request.method in _BODIES:
            await self._take_body(receive, request, shape)
        check_acceptable(request, shape)
        if request.operation == PATH and self._jobs is not None:
            request.code = "async-status"
            return await self._jobs.answer(request)
        if "prefer" in shape.headers and self._jobs is not None and wants_async(self._registry, request):
            request.code = "async-start"
            work = partial(dispatch_noted, self.context, self._registry, request)
            taken = self._jobs.start(self.context, request.principal, work)
            if taken is not None:
                shape.noted = False  # by the job, once it is answered
                return taken
        result = await self._registry.dispatch(self.context, request)
        if request.type == "Binary" and result.status == 200 and wants_content(request, shape):
            return binary.raw_result(result, shape.headers.get("accept", ""))
        return result

    def _request(self, scope: Scope, shape: Shape) -> Request:
        """The request without its body. Who asks is found later: some paths are open to everybody."""
        raw, query = scope.get("raw_path") or quote(scope["path"]).encode(), scope["query_string"]
        check_size(raw, query)
        params = parameters(query, "http.url")
        if b"_format" in query or b"_pretty" in query:
            take_general(params, shape)
        request = Request(None, scope["method"], params=params, headers=shape.headers)  # type: ignore[arg-type]
        request.address, request.number = _address(scope), shape.id
        shape.request = request  # what is refused from here on is noted with where it came from
        if not raw.startswith(self._base):
            raise nothing_there()
        parts = segments(raw[len(self._base) :])
        if len(parts) == 2 and parts[0] == PATH:
            request.operation, request.id = parts
        else:
            locate(request, parts)
        if shape.named or shape.pretty:
            request.params = kept(request)
        return request

    async def _take_body(self, receive: Receive, request: Request, shape: Shape) -> None:
        body = await read_body(receive, shape.headers, self.context.limits)
        if request.operation == "_search" and request.method == "POST":
            request.params = form_parameters(request, body)
            if b"_format" in body or b"_pretty" in body:
                take_general(request.params, shape)
        elif request.type == "Binary" and binary.is_written(request, body):
            request.body = binary.binary_resource(request, body)
        else:
            check_elements(request, body, self.context.limits)
            request.body = await decoded(request, body)

    async def _cors_at(self, path: str, shape: Shape) -> Cors:
        """The web pages that may ask, what the server can being told to all; the answer says so, refusals too: a page
        that may not read a 429 takes the network for down."""
        cors = EVERYBODY if path == self._statement else self._cors
        if "origin" in shape.headers:
            await cors.seek(shape.headers["origin"])
        if cors.origins:
            shape.varies_by_origin = True
            shape.more += cors.headers(shape.headers)
        return cors

    def _options(self, request: Request, shape: Shape, cors: Cors) -> Result:
        """What may be done at a URL; to a web page of another place, whether it may."""
        preflight = cors.preflight(shape.headers)
        shape.more += preflight
        methods = ["GET", "HEAD"] if request.type in _DOCUMENTS else self._registry.methods(request)
        if not methods and not preflight:
            raise nothing_there()
        return Result(204, headers={"Allow": ", ".join((*methods, "OPTIONS"))})

    async def _document(self, request: Request, shape: Shape) -> Result:
        """The two documents that are no resources of the store."""
        if request.method not in ("GET", "HEAD"):
            refusal = refuse(Category.NOT_ALLOWED, "not-supported", "This is read by GET", "http.method")
            refusal.headers["Allow"] = "GET, HEAD"
            raise refusal
        request.code = "capabilities" if request.type == "metadata" else "openapi"
        if request.type == "metadata":
            check_acceptable(request, shape)
            return await self._metadata.answer(self.context, request, shape)
        authorization = shape.headers.get("authorization")
        try:
            request.principal = self._principals.authenticate(authorization)
        except Refusal:
            if not await self._principals.learn(authorization):
                raise
            request.principal = self._principals.authenticate(authorization)
        return await self._openapi(self.context, request)


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else ""


def traceparent(scope: Scope) -> str:
    """The header by which a caller says which trace this belongs to; empty where it says it not once."""
    found = [value for name, value in scope["headers"] if name == b"traceparent"]
    return found[0].decode("latin-1") if len(found) == 1 else ""


def describe(seen: Span, method: str, shape: Shape, status: int) -> None:
    """Tell what a request was, in words of the program only."""
    request, path = shape.request, template(shape.request)
    seen.name(f"{method if request is not None else 'HTTP'} {path}")
    seen.set("url.template", path)
    seen.set("http.response.status_code", status)
    seen.set("credence.request", shape.id)
    if request is not None and request.code:
        seen.set("fhir.interaction", request.code)
    if status >= 500:
        seen.failed("fault")


def take_accept(shape: Shape) -> None:
    """Take the format from the Accept header. Whether there is none it takes is judged later."""
    accept = shape.headers.get("accept")
    if accept:
        check_accept(accept)
        found = accepted(accept)
        if found is None:
            shape.acceptable = False
        else:
            shape.format = found


def take_general(params: _Params, shape: Shape) -> None:
    """Take ``_format`` and ``_pretty``. Raises a refusal for what they may not be."""
    values = dict.fromkeys(value for name, value in params if name == "_format")
    if len(values) > 1:
        raise refuse(Category.INVALID, "invalid", "_format may be given once", "http._format")
    for value in values:
        shape.format, shape.named, shape.acceptable = named_format(value), True, True
    for name, value in params:
        if name == "_pretty":
            if value not in ("true", "false"):
                raise refuse(Category.INVALID, "value", "_pretty is true or false", "http._pretty")
            shape.pretty = value == "true"


def kept(request: Request) -> _Params:
    """The parameters without those of the edge, but for what is paged: there the next page is to look the same."""
    if (request.method in ("GET", "HEAD") and not request.operation.startswith("$")) or (
        request.operation == "_search"
    ):
        return request.params
    return [pair for pair in request.params if pair[0] not in _OF_THE_EDGE]


def check_acceptable(request: Request, shape: Shape) -> None:
    """Refuse (406) an Accept header, or character set, that takes nothing of what may come."""
    if not shape.acceptable and not wants_content(request, shape):
        raise not_acceptable()
    if "accept-charset" in shape.headers:
        check_charset(shape.headers["accept-charset"])


def wants_content(request: Request, shape: Shape) -> bool:
    """Whether a Binary is asked for as the bytes it holds."""
    return (
        not shape.named
        and binary.is_read(request)
        and not binary.wants_resource(shape.headers.get("accept", ""))
    )
