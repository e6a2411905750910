"""Answers: rendered in the negotiated format, compressed where that helps, and with the headers that all have."""

from __future__ import annotations

import asyncio
import itertools
import os
import re
import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from fhirserver.interactions.exchange import Result
from fhirserver.kernel.json import JsonObject, dumps, loads, pretty
from fhirserver.kernel.outcomes import Category, Issue, Refusal, operation_outcome
from fhirserver.model.xml import NotInXml, write_xml
from fhirserver.rest.memory import give_back_soon
from fhirserver.rest.negotiation import JSON, Format

Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]

GZIP_FROM = 2048
"""Bytes from which on a body is compressed: below, the client gains less than it costs."""
_IN_A_THREAD = 256 * 1024
_NOSNIFF = (b"x-content-type-options", b"nosniff")
_VARY = (b"vary", b"Accept, Accept-Encoding")
_VARY_ORIGIN = (b"vary", b"Accept, Accept-Encoding, Origin")
_REVALIDATE = (b"cache-control", b"private, no-cache")
_NO_STORE = (b"cache-control", b"no-store")
_REQUEST_ID = re.compile(r"[!-~]{1,128}\Z")
_GZIPPED = re.compile(r"(?:^|,)\s*(?:gzip|x-gzip|\*)\s*(?:;\s*q=(?!0(?:\.0*)?\s*(?:,|$))[\d.]+\s*)?(?=,|$)")
_COMPRESSIBLE = re.compile(rb"(?:text/|application/(?:[\w.-]+\+)?(?:json|xml)\b)")
_NAMES = {"ETag": b"etag", "Last-Modified": b"last-modified", "Location": b"location"}
_process = f"{os.urandom(4).hex()}-"
_numbers = itertools.count(1)


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
    headers = [_NOSNIFF, _VARY_ORIGIN if shape.varies_by_origin else _VARY, _request_id(shape)]
    headers += shape.more
    if result.body and result.status not in (204, 304):
        content_type = await render(result, shape)
        if "Content-Encoding" not in result.headers and wants_gzip(shape, result.body, content_type):
            result.body = await gzipped(result.body)
            headers.append((b"content-encoding", b"gzip"))
        headers.append((b"content-type", content_type))
    stated = result.headers
    if "Cache-Control" not in stated:
        headers.append(_REVALIDATE if "ETag" in stated else _NO_STORE)
    headers += [(_NAMES.get(name) or _name(name), value.encode("latin-1")) for name, value in stated.items()]
    body = b"" if result.status in (204, 304) else result.body
    if result.status not in (204, 304):
        headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": result.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if shape.head_only else body})
    give_back_soon(len(body))


def _name(name: str) -> bytes:
    return name.lower().encode()


def _request_id(shape: Shape) -> tuple[bytes, bytes]:
    """The client's own request id, or one of ours: it stands in nothing else, and tells nothing."""
    given = shape.headers.get("x-request-id", "")
    if given and _REQUEST_ID.match(given):
        return b"x-request-id", given.encode()
    return b"x-request-id", f"{_process}{next(_numbers):x}".encode()
