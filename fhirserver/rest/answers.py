"""Answers: rendered in the negotiated format, compressed where that helps, and with the headers that all have."""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from fhirserver.interactions.exchange import Request, Result
from fhirserver.kernel.correlation import REQUEST, is_well_formed, made
from fhirserver.kernel.json import JsonObject, dumps, loads, pretty
from fhirserver.kernel.outcomes import Category, Issue, Refusal, operation_outcome
from fhirserver.model.xml import NotInXml, write_xml
from fhirserver.rest.memory import give_back_soon
from fhirserver.rest.negotiation import JSON, Format
from fhirserver.rest.safe_headers import ALWAYS, NO_STORE, POLICY

Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]

GZIP_FROM = 2048
"""Bytes from which on a body is compressed: below, the client gains less than it costs."""
_IN_A_THREAD = 256 * 1024
_VARY = (b"vary", b"Accept, Accept-Encoding")
_VARY_ORIGIN = (b"vary", b"Accept, Accept-Encoding, Origin")
_CORRELATION_ID = re.compile(r"[!-~]{1,128}\Z")
_GZIPPED = re.compile(r"(?:^|,)\s*(?:gzip|x-gzip|\*)\s*(?:;\s*q=(?!0(?:\.0*)?\s*(?:,|$))[\d.]+\s*)?(?=,|$)")
_COMPRESSIBLE = re.compile(rb"(?:text/|application/(?:[\w.-]+\+)?(?:json|xml)\b)")
_NAMES = {"ETag": b"etag", "Last-Modified": b"last-modified", "Location": b"location"}


@dataclass(slots=True)
class Shape:
    """How the answer to a request is to be given, as far as the request was understood.

    ``acceptable`` is whether the Accept header takes what is served, ``named`` whether ``_format`` says it.
    """

    headers: dict[str, str] = field(default_factory=dict)
    format: Format = JSON
    acceptable: bool = True
    named: bool = False
    pretty: bool = False
    reads: bool = False
    head_only: bool = False
    more: list[tuple[bytes, bytes]] = field(default_factory=list)
    varies_by_origin: bool = False
    request: Request | None = None
    """The request as far as it was understood."""
    noted: bool = True
    """Whether the audit is told of the answer; it is told of every refusal."""
    id: str = ""
    """Under which the request stands in the log and in the audit."""


def refused(refusal: Refusal) -> Result:
    """The answer to a refusal: the status of its category and an OperationOutcome."""
    body = dumps(operation_outcome(refusal.issues))
    return Result(refusal.category.value, body, dict(refusal.headers))


async def render(result: Result, shape: Shape) -> bytes:
    """Put the body into its format; the answer is its content type."""
    if result.content_type:
        return result.content_type.encode("latin-1")
    if shape.format.is_xml:
        return await _render_xml(result, shape)
    if shape.pretty:
        result.body = pretty(loads(result.body))
    return shape.format.content_type


async def _render_xml(result: Result, shape: Shape) -> bytes:
    body = result.body
    try:
        if len(body) > _IN_A_THREAD:
            result.body = await asyncio.to_thread(_to_xml, body, shape.pretty)
        else:
            result.body = _to_xml(body, shape.pretty)
    except NotInXml as error:
        _refuse_xml(result, shape, str(error))
        return JSON.content_type
    return shape.format.content_type


def _to_xml(body: bytes, indented: bool) -> bytes:
    content: JsonObject = loads(body)
    return write_xml(content, indented)


def _refuse_xml(result: Result, shape: Shape, text: str) -> None:
    """Say why there is no XML; what was done or refused stands, and is told as JSON."""
    if result.status == 200 and shape.reads:
        issue = Issue("not-supported", f"{text}; ask for JSON", ("http.Accept",))
        answer = refused(Refusal(Category.NOT_ACCEPTABLE, (issue,)))
        result.status, result.body, result.headers = answer.status, answer.body, answer.headers


def wants_gzip(shape: Shape, body: bytes, content_type: bytes) -> bool:
    header = shape.headers.get("accept-encoding")
    return (
        header is not None
        and len(body) >= GZIP_FROM
        and _GZIPPED.search(header) is not None
        and _COMPRESSIBLE.match(content_type) is not None
    )


async def gzipped(body: bytes) -> bytes:
    return await asyncio.to_thread(_gzip, body) if len(body) > _IN_A_THREAD else _gzip(body)


def _gzip(body: bytes) -> bytes:
    made = zlib.compressobj(1, zlib.DEFLATED, 31)
    return made.compress(body) + made.flush()


async def respond(send: Send, result: Result, shape: Shape) -> None:
    """Send an answer."""
    id = (shape.id or identified(shape)).encode()
    headers = [*ALWAYS, _VARY_ORIGIN if shape.varies_by_origin else _VARY, (b"x-request-id", id)]
    headers += shape.more
    if result.body and result.status not in (204, 304):
        content_type = await render(result, shape)
        if "Content-Encoding" not in result.headers and wants_gzip(shape, result.body, content_type):
            result.body = await gzipped(result.body)
            headers.append((b"content-encoding", b"gzip"))
        headers.append((b"content-type", content_type))
    stated = result.headers
    if "Content-Security-Policy" not in stated:
        headers.append(POLICY)
    if "Cache-Control" not in stated:
        headers.append(NO_STORE)
    headers += [(_NAMES.get(name) or _name(name), value.encode("latin-1")) for name, value in stated.items()]
    body = b"" if result.status in (204, 304) else result.body
    if result.status not in (204, 304):
        headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": result.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if shape.head_only else body})
    give_back_soon(len(body))


def _name(name: str) -> bytes:
    return name.lower().encode()


def identified(shape: Shape) -> str:
    """The id under which the request stands in the log from now on: the client's own where a log may hold it, or one
    of ours, and then the client's comes back as ``X-Correlation-Id``."""
    given = shape.headers.get("x-request-id", "")
    if given and is_well_formed(given):
        shape.id = given
    else:
        shape.id = made()
        if given and _CORRELATION_ID.match(given):
            shape.more.append((b"x-correlation-id", given.encode()))
    REQUEST.set(shape.id)
    return shape.id
