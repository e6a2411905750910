"""The URL of a request: what it names, and its parameters. https://hl7.org/fhir/R4/http.html#general"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import unquote

from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.kernel.queries import decode_query

MOST_PARAMETERS = 1000
MOST_BYTES = 32 * 1024
_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


def check_size(path: bytes, query: bytes) -> None:
    """Refuse (414) a URL that is too long; a search may be sent by POST."""
    if len(path) + len(query) > MOST_BYTES:
        text = f"A URL may have {MOST_BYTES} bytes; a search may be sent by POST _search"
        raise refuse(Category.URI_TOO_LONG, "too-long", text, "http.url")


def segments(raw: bytes) -> list[str]:
    """The parts of a path under the base, decoded. Raises a refusal: 400 for what is no UTF-8 text."""
    try:
        if b"%" not in raw:
            text = raw.decode().strip("/")
            return text.split("/") if text else []
        if _BROKEN_ESCAPE.search(raw):
            raise _malformed()
        parts = [unquote(part, errors="strict") for part in raw.decode().strip("/").split("/")]
    except UnicodeDecodeError:
        raise _malformed() from None
    if any("\x00" in part for part in parts):
        raise _malformed()
    if any("/" in part for part in parts):
        raise nothing_there()
    return [part for part in parts if part] if parts == [""] else parts


def parameters(raw: bytes, where: str) -> Sequence[tuple[str, str]]:
    """Names and values of a query or form. Raises a refusal (400) for bytes that are not UTF-8, or NUL."""
    if not raw:
        return ()
    try:
        pairs = decode_query(raw.decode(), MOST_PARAMETERS)
    except ValueError:
        text = f"The parameters are not UTF-8, or more than {MOST_PARAMETERS}"
        raise refuse(Category.INVALID, "structure", text, where) from None
    if b"%00" in raw or b"\x00" in raw:
        raise refuse(Category.INVALID, "structure", "A parameter has a NUL character", where)
    return pairs


def nothing_there() -> Refusal:
    return refuse(Category.NOT_FOUND, "not-supported", "There is nothing at this URL", "http.url")


def _malformed() -> Refusal:
    return refuse(Category.INVALID, "structure", "The URL is not percent-encoded UTF-8", "http.url")
