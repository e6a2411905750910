"""Bodies of requests: read within limits, uncompressed, and turned into what interactions take.

https://hl7.org/fhir/R4/http.html#mime-type
"""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, TypeAlias

from fhirserver.interactions.exchange import Limits, Request
from fhirserver.interactions.patch_bodies import not_xml
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.model.xml import InvalidXml, read_xml
from fhirserver.rest.address import parameters
from fhirserver.rest.memory import give_back_soon
from fhirserver.rest.negotiation import JSON_MEDIA, XML_MEDIA, is_served_version

Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]

GRAPHQL = "application/graphql"
FORM = "application/x-www-form-urlencoded"
_IN_A_THREAD = 256 * 1024
_HOLDERS = frozenset({"", "Binary", "Bundle"})
"""Types of URLs whose body is no single resource with elements; none for a batch or transaction."""
_SLOWEST = 1024
"""Bytes a second, beyond the pause that is allowed anyway."""
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""That of UTF-8: "implementations that parse JSON texts MAY ignore" it (RFC 8259)."""
_GZIP = 31  # zlib's word for a gzip header and a window of 32 KiB


async def read_body(receive: Receive, headers: Mapping[str, str], limits: Limits) -> bytes:
    """The whole body. Refuses one that is too large, in whatever compression (413), and one that does not
    come (408)."""
    coding = headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("identity", "", "gzip", "x-gzip"):
        raise unsupported("A body may be compressed by gzip", "http.Content-Encoding")
    length = headers.get("content-length", "")
    if length.isdigit() and int(length) > limits.body_bytes:
        raise _too_large(limits.body_bytes)
    sink = _Gunzip(limits.body_bytes) if "gzip" in coding else _Plain(limits.body_bytes)
    message = await _next(receive, limits.body_seconds)
    sink.take(message.get("body", b""))
    if message.get("more_body", False):
        await _take_rest(receive, sink, limits.body_seconds)
    body = sink.end()
    give_back_soon(len(body))
    return body


async def _take_rest(receive: Receive, sink: _Plain, seconds: float) -> None:
    """All but the first piece. One that only trickles in is refused too: it would hold the connection for ever."""
    began, size, more = time.monotonic(), 0, True
    while more:
        message = await _next(receive, seconds)
        body = message.get("body", b"")
        sink.take(body)
        size += len(body)
        more = message.get("more_body", False)
        if more and time.monotonic() - began > seconds + size / _SLOWEST:
            text = f"The body comes more slowly than {_SLOWEST} bytes a second"
            raise refuse(Category.TIMEOUT, "timeout", text, "http.body")


async def _next(receive: Receive, seconds: float) -> MutableMapping[str, Any]:
    try:
        async with asyncio.timeout(seconds):
            message = await receive()
    except TimeoutError:
        text = f"Nothing of the body came within {seconds:g} seconds"
        raise refuse(Category.TIMEOUT, "timeout", text, "http.body") from None
    if message["type"] == "http.disconnect":
        raise refuse(Category.INVALID, "structure", "The client went away before the body was complete")
    return message


class _Plain:
    """Collects a body up to a limit."""

    def __init__(self, limit: int):
        self._limit, self._size = limit, 0
        self._chunks: list[bytes] = []

    def take(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._size > self._limit:
            raise _too_large(self._limit)
        self._chunks.append(chunk)

    def end(self) -> bytes:
        return self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)


class _Gunzip(_Plain):
    """Uncompresses while the body comes; no more than the limit is ever made of it."""

    def __init__(self, limit: int):
        super().__init__(limit)
        self._zlib = zlib.decompressobj(_GZIP)
        self._began = False

    def take(self, chunk: bytes) -> None:
        try:
            while chunk:
                if self._zlib.eof:  # another member: gzip files may be put one behind the other
                    self._zlib = zlib.decompressobj(_GZIP)
                self._began = True
                super().take(self._zlib.decompress(chunk, self._limit - self._size + 1))
                chunk = self._zlib.unconsumed_tail or self._zlib.unused_data
        except zlib.error:
            raise _not_gzip() from None

    def end(self) -> bytes:
        if self._began and not self._zlib.eof:
            raise _not_gzip()
        return super().end()


def _not_gzip() -> Refusal:
    return refuse(Category.INVALID, "structure", "The body is not what gzip makes", "http.body")


def _too_large(limit: int) -> Refusal:
    return refuse(Category.TOO_LARGE, "too-long", f"A body may have {limit} bytes", "http.body")


def check_elements(request: Request, body: bytes, limits: Limits) -> None:
    """Refuse (413) a body of more elements than one resource may have, before it is read.

    Each costs time that others wait: a few bytes make a name, an index entry and a claim. Bundles hold resources, and
    have a limit of their own; a Binary has no elements.
    """
    if len(body) <= _IN_A_THREAD or request.type in _HOLDERS or request.operation == "$graphql":
        return
    if body.lstrip()[:1] == b"<":
        found = body.count(b"<") + body.count(b'="') + body.count(b"='")
    else:
        found = body.count(b",") + body.count(b"{") + body.count(b"[")
    if found > limits.resource_elements:
        text = f"A resource may have {limits.resource_elements} elements; this one may have more"
        raise refuse(Category.TOO_LARGE, "too-costly", text, "http.body")


def media_of(content_type: str) -> str:
    """The media type of a Content-Type header."""
    return content_type.partition(";")[0].strip().lower()


def check_options(content_type: str) -> None:
    """Refuse (415) another character set than UTF-8, and another version of FHIR."""
    for option in content_type.lower().split(";")[1:]:
        name, _, value = option.partition("=")
        name, value = name.strip(), value.strip().strip("\"'")
        if name == "charset" and value not in ("utf-8", "utf8", "us-ascii"):
            raise unsupported("A body must be UTF-8", "http.Content-Type")
        if name == "fhirversion" and not is_served_version(value):
            raise unsupported("The body must be of FHIR 4.0", "http.Content-Type")


async def decoded(request: Request, body: bytes) -> bytes | JsonObject:
    """The body as interactions take it: XML as JSON, JSON and patches as they are. Refuses others (415)."""
    content_type = request.headers.get("content-type", "")
    media = media_of(content_type)
    if ";" in content_type:
        check_options(content_type)
    if media in XML_MEDIA and (body or not request.operation):
        return await _from_xml(body)
    if media == GRAPHQL and request.operation == "$graphql":
        return body
    if body and media and request.method != "PATCH" and media not in JSON_MEDIA:
        raise unsupported(
            "The body must be application/fhir+json or application/fhir+xml", "http.Content-Type"
        )
    return body.removeprefix(_BYTE_ORDER_MARK)


async def _from_xml(body: bytes) -> JsonObject:
    try:
        if len(body) > _IN_A_THREAD:
            return await asyncio.to_thread(read_xml, body)
        return read_xml(body)
    except InvalidXml as error:
        raise not_xml(error) from None


def form_parameters(request: Request, body: bytes) -> list[tuple[str, str]]:
    """The parameters of ``POST _search``: those of the URL, then those of the form."""
    content_type = request.headers.get("content-type", "")
    if body:
        if media_of(content_type) != FORM:
            raise unsupported(f"POST _search takes {FORM}", "http.Content-Type")
        check_options(content_type)
    return [*request.params, *parameters(body, "http.body")]


def unsupported(text: str, where: str) -> Refusal:
    return refuse(Category.UNSUPPORTED_MEDIA, "not-supported", text, where)
