"""ETags and instants in headers. https://hl7.org/fhir/R4/http.html#concurrency"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

from fhirserver.kernel.instants import parse_instant
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.ports.storage import Version
from fhirserver.store.commands import ANY_VERSION, NO_VERSION

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def is_version(text: str) -> bool:
    """Whether ``text`` may be a version: a whole number, as the server writes it, that every storage can hold."""
    return text.isascii() and text.isdigit() and len(text) <= 18 and (text[0] != "0" or text == "0")


_TAG = re.compile(r'(?:W/)?"[!#-~\x80-\xff]*"\Z')


def parse_etag(header: str, name: str) -> int:
    """The version in ``W/"3"``, ``"3"`` or ``3``; that of ``*`` and of an ETag that is not ours as
    :class:`~fhirserver.store.commands.Put` has them.

    Raises a refusal (400) that names the header where it is no ETag, or several.
    """
    text = header.strip()
    if text == "*":
        return ANY_VERSION
    version = text.removeprefix("W/").strip('"')
    if is_version(version) and (text == version or _TAG.match(text)):
        return int(version) or NO_VERSION
    if _TAG.match(text):
        return NO_VERSION
    raise refuse(Category.INVALID, "value", f'{name} must be one ETag such as W/"3"', f"http.{name}")


def if_match(header: str | None) -> int | None:
    """The version asked for by If-Match, or None."""
    return None if header is None else parse_etag(header, "If-Match")


def if_none_match(header: str | None) -> tuple[bool, int | None]:
    """Of an If-None-Match on a write: whether nothing may be there (``*``), and which version may not."""
    if header is None:
        return False, None
    version = parse_etag(header, "If-None-Match")
    return version == ANY_VERSION, version


def http_date(recorded: str) -> str:
    """``Sun, 22 Nov 2026 14:47:00 GMT`` of a recorded instant."""
    return _http_date(recorded[:19])


@lru_cache(maxsize=4096)
def _http_date(recorded: str) -> str:
    at = datetime(int(recorded[:4]), int(recorded[5:7]), int(recorded[8:10]))
    return f"{_DAYS[at.weekday()]}, {recorded[8:10]} {_MONTHS[at.month - 1]} {recorded[:4]} {recorded[11:19]} GMT"


def version_headers(version: Version) -> dict[str, str]:
    """ETag and Last-Modified."""
    return {"ETag": f'W/"{version.version}"', "Last-Modified": http_date(version.recorded)}


def unchanged_since(version: Version, headers: dict[str, str]) -> bool:
    """Whether a conditional read (If-None-Match, If-Modified-Since) needs no body."""
    tag = headers.get("if-none-match")
    if tag is not None:
        tags = {part.strip().removeprefix("W/").strip('"') for part in tag.split(",")}
        return bool(tags & {"*", str(version.version)})
    return _not_since(version.recorded, headers.get("if-modified-since", ""))


def _not_since(recorded: str, header: str) -> bool:
    """Whether nothing happened after the second the header names. One that is no HTTP date counts for nothing."""
    if not header:
        return False
    try:
        since = parsedate_to_datetime(header)
    except ValueError:
        return False
    return parse_instant(recorded).replace(microsecond=0) <= since.replace(tzinfo=since.tzinfo or UTC)
