"""The headers of a request that the server reads, each once or joined as HTTP says."""

from __future__ import annotations

from collections.abc import Iterable

from fhirserver.kernel.outcomes import Category, refuse

MOST_BYTES = 64 * 1024
_LISTS = ("accept", "accept-charset", "accept-encoding", "accept-language", "if-none-match", "prefer")
_SINGLES = (
    "access-control-request-headers",
    "access-control-request-method",
    "authorization",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-exist",
    "origin",
    "x-break-glass",
    "x-provenance",
    "x-request-id",
    "x-security-context",
)
_WANTED = {name.encode(): name for name in (*_LISTS, *_SINGLES)}


def read_headers(raw: Iterable[tuple[bytes, bytes]], found: dict[str, str]) -> None:
    """Put the headers into ``found`` by lower-case name. Refuses a second one of which there may be one (400),
    and more than :data:`MOST_BYTES` of all headers (431)."""
    size = 0
    for name, value in raw:
        size += len(name) + len(value)
        wanted = _WANTED.get(name)
        if wanted is not None:
            text = value.decode() if value.isascii() else _text(value)
            if wanted in found:
                text = _joined(wanted, found[wanted], text)
            found[wanted] = text
    if size > MOST_BYTES:
        text = f"The headers of a request may have {MOST_BYTES} bytes"
        raise refuse(Category.HEADERS_TOO_LARGE, "too-long", text, "http")


def _joined(name: str, first: str, second: str) -> str:
    if name in _LISTS:
        return f"{first}, {second}"
    if first == second:
        return first
    title = name.title()
    raise refuse(Category.INVALID, "invalid", f"There are two different {title} headers", f"http.{title}")


def _text(value: bytes) -> str:
    """A header's text: UTF-8, as the JSON of X-Provenance is, or the Latin-1 that HTTP once meant."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
