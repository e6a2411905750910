"""ETags and instants in headers. https://hl7.org/fhir/R4/http.html#concurrency"""

from __future__ import annotations

from datetime import datetime

from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.ports.storage import Version

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def parse_etag(header: str, name: str) -> int:
    """The version in ``W/"3"``, ``"3"`` or ``3``. Raises a refusal that names the header."""
    text = header.strip().removeprefix("W/").strip('"')
    if not text.isdigit():
        raise refuse(Category.INVALID, "value", f'{name} must be a version such as W/"3"', f"http.{name}")
    return int(text)


def if_match(header: str | None) -> int | None:
    """The version asked for by If-Match, or None."""
    return None if header is None or header.strip() == "*" else parse_etag(header, "If-Match")


def http_date(recorded: str) -> str:
    """``Sun, 22 Nov 2026 14:47:00 GMT`` of a recorded instant."""
    at = datetime(int(recorded[:4]), int(recorded[5:7]), int(recorded[8:10]))
    return f"{_DAYS[at.weekday()]}, {recorded[8:10]} {_MONTHS[at.month - 1]} {recorded[:4]} {recorded[11:19]} GMT"


def version_headers(version: Version) -> dict[str, str]:
    """ETag and Last-Modified."""
    return {"ETag": f'W/"{version.version}"', "Last-Modified": http_date(version.recorded)}


def unchanged_since(version: Version, headers: dict[str, str]) -> bool:
    """Whether a conditional read (If-None-Match, If-Modified-Since) needs no body."""
    tag = headers.get("if-none-match")
    if tag is not None:
        return any(
            part.strip().removeprefix("W/").strip('"') == str(version.version) for part in tag.split(",")
        )
    since = headers.get("if-modified-since")
    return since is not None and since == http_date(version.recorded)
