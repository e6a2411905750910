"""Reading what an EHR sends: never more than was allowed for, however small it looks on the wire."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Iterator

import httpx

from fhirserver.kernel.json import InvalidJson, JsonObject, loads, too_deep
from fhirserver.ports.ehr import Permanent, Retryable, Unusable

ENCODING = "gzip"
"""What we let an EHR compress with. Anything else is unpacked by a library without a limit."""
_PIECE = 64 * 1024
_GZIP_OR_ZLIB = 47
_XML = (b"<?xml", b"<Bundle", b"<CapabilityStatement", b"<OperationOutcome")


class TooLarge(Permanent):
    """The EHR's answer is larger than the settings allow."""


async def pieces(response: httpx.Response, most: int) -> AsyncIterator[bytes]:
    """The body as it arrives, unpacked, in pieces of 64 KiB at most. Raises :class:`TooLarge`."""
    unpacked = _Unpacking(response.headers.get("content-encoding", ""))
    if response.is_stream_consumed:  # a transport that has read it whole, and unpacked it
        unpacked = _Unpacking("")
        raw: AsyncIterator[bytes] = _whole(response.content)
    else:
        raw = response.aiter_raw()
    size = 0
    async for chunk in raw:
        for piece in unpacked.feed(chunk):
            size += len(piece)
            if size > most:
                raise TooLarge(f"the EHR's answer is larger than {most} bytes", status=response.status_code)
            yield piece


async def whole(response: httpx.Response, most: int) -> bytes:
    """The whole body. Raises :class:`TooLarge`."""
    stated = response.headers.get("content-length", "")
    if stated.isdigit() and int(stated) > most:
        raise TooLarge(f"the EHR's answer is larger than {most} bytes", status=response.status_code)
    return b"".join([piece async for piece in pieces(response, most)])


def resource(content: bytes, status: int) -> JsonObject | None:
    """The resource in a body of an answer that is success, or None for an empty one."""
    if not content.strip():
        return None
    try:
        body = loads(content)
    except InvalidJson:
        raise _no_json(content, status) from None
    if too_deep(content):
        raise Permanent("the EHR's answer is nested too deeply", status=status)
    if not isinstance(body, dict) or not isinstance(body.get("resourceType"), str):
        raise Retryable("the answer is not a FHIR resource", status=status)
    return body


def _no_json(content: bytes, status: int) -> Retryable | Unusable:
    if is_fhir_xml(content):
        return Unusable("the EHR answers in XML; this adapter speaks JSON", status=status)
    return Retryable("the answer is not JSON", status=status)


def is_fhir_xml(content: bytes) -> bool:
    """Whether a body is FHIR in XML, and not a page for people."""
    start = content[:2000].lstrip(b"\xef\xbb\xbf \r\n\t")
    return start.startswith(_XML) and b"http://hl7.org/fhir" in start


async def _whole(content: bytes) -> AsyncIterator[bytes]:
    yield content


class _Unpacking:
    """Unpacks one body a piece at a time, so that what unfolds is counted before it is there."""

    def __init__(self, encoding: str):
        name = encoding.strip().lower()
        if name not in ("", "identity", "gzip", "x-gzip", "deflate"):
            raise Unusable("the EHR compresses in a way that was not asked for")
        self._inflate = zlib.decompressobj(_GZIP_OR_ZLIB) if name not in ("", "identity") else None

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        if self._inflate is None:
            yield from (chunk[start : start + _PIECE] for start in range(0, len(chunk), _PIECE))
            return
        try:
            while chunk:
                yield self._inflate.decompress(chunk, _PIECE)
                chunk = self._inflate.unconsumed_tail
        except zlib.error:
            raise Retryable("the answer is packed wrongly") from None
