"""Which format an answer has: ``_format``, or the Accept header. https://hl7.org/fhir/R4/http.html#mime-type"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from fhirserver.kernel.outcomes import Category, Refusal, refuse

FHIR_VERSION = "4.0"
_LONGEST = 2048


@dataclass(frozen=True, slots=True)
class Format:
    """A format that is served. ``content_type`` is what the answer says it is."""

    is_xml: bool
    content_type: bytes


@dataclass(frozen=True, slots=True)
class Range:
    """One media range of an Accept header, with its weight from 0 to 1."""

    media: str
    weight: float
    fhir_version: str

    @property
    def fits_version(self) -> bool:
        return not self.fhir_version or is_served_version(self.fhir_version)


JSON = Format(False, b"application/fhir+json; charset=utf-8")
XML = Format(True, b"application/fhir+xml; charset=utf-8")
FHIR_MEDIA = frozenset(
    {"application/fhir+json", "application/fhir+xml", "application/json+fhir", "application/xml+fhir"}
)
JSON_MEDIA = ("application/fhir+json", "application/json", "text/json", "application/json+fhir")
XML_MEDIA = ("application/fhir+xml", "application/xml", "text/xml", "application/xml+fhir")
"""The last of each is the name it had before STU3, which some clients still send."""
_SERVED = (*JSON_MEDIA, *XML_MEDIA)
_NAMED = {"json": JSON, "xml": XML, **dict.fromkeys(JSON_MEDIA, JSON), **dict.fromkeys(XML_MEDIA, XML)}


def named_format(value: str) -> Format:
    """The format that ``_format`` names; a ``+`` may have become a space. Raises a refusal (406)."""
    media, _, options = value.strip().lower().partition(";")
    found = _NAMED.get(media.strip().replace(" ", "+"))
    version = _option(options.split(";"), "fhirversion")
    if found is None or (version and not is_served_version(version)):
        text = "_format: FHIR 4.0 is served as json or xml"
        raise refuse(Category.NOT_ACCEPTABLE, "not-supported", text, "http._format")
    return found


def check_accept(accept: str) -> None:
    """Refuse (400) an Accept header that no client needs: it would be costly to weigh, and to keep."""
    if len(accept) > _LONGEST:
        text = f"An Accept header may have {_LONGEST} characters"
        raise refuse(Category.INVALID, "too-long", text, "http.Accept")


@lru_cache(maxsize=512)
def accepted(accept: str) -> Format | None:
    """The format that an Accept header likes best, or None where it takes none that is served.

    Weight decides, then how exactly it is named, then which is named first; FHIR's JSON where any will do.
    """
    if not accept.strip():
        return JSON
    ranges = list(media_ranges(accept))
    best: tuple[float, int, int, int] | None = None
    chosen: Format | None = None
    for number, media in enumerate(_SERVED):
        found = _match(ranges, media)
        if found is None or found[1].weight <= 0:
            continue
        position, range = found
        rank = (range.weight, _exactness(range.media), -position, -number)
        if best is None or rank > best:
            best, chosen = rank, _answer(media, range)
    return chosen


def media_ranges(accept: str) -> Iterator[Range]:
    """The media ranges of an Accept header, in order."""
    for part in accept.split(","):
        media, *options = (text.strip().lower() for text in part.split(";"))
        if media:
            yield Range(media, _weight(_option(options, "q")), _option(options, "fhirversion"))


def takes(accept: str, media: str) -> bool:
    """Whether an Accept header takes a media type, whatever FHIR has to do with it."""
    if not accept.strip():
        return True
    found = _match(list(media_ranges(accept)), media)
    return found is not None and found[1].weight > 0


def is_served_version(text: str) -> bool:
    """Whether ``fhirVersion`` means R4."""
    return text == FHIR_VERSION or text.startswith(f"{FHIR_VERSION}.")


def check_charset(header: str) -> None:
    """Refuse (406) an Accept-Charset without UTF-8: there is no other."""
    charsets = {part.partition(";")[0].strip().lower(): part for part in header.split(",")}
    wanted = charsets.get("utf-8", charsets.get("*"))
    if header.strip() and (wanted is None or _weight(_option(wanted.split(";")[1:], "q")) <= 0):
        text = "Answers are in UTF-8"
        raise refuse(Category.NOT_ACCEPTABLE, "not-supported", text, "http.Accept-Charset")


def not_acceptable() -> Refusal:
    """406 for an Accept header that takes nothing of what is served."""
    text = "FHIR 4.0 is served as application/fhir+json and application/fhir+xml"
    return refuse(Category.NOT_ACCEPTABLE, "not-supported", text, "http.Accept")


def _match(ranges: Sequence[Range], media: str) -> tuple[int, Range] | None:
    """The range that speaks most exactly of a media type, and its position."""
    found = [
        (number, one) for number, one in enumerate(ranges) if _covers(one.media, media) and one.fits_version
    ]
    return max(found, key=lambda pair: (_exactness(pair[1].media), -pair[0]), default=None)


def _covers(range: str, media: str) -> bool:
    return range in ("*/*", media) or (range.endswith("/*") and media.startswith(range[:-1]))


def _exactness(range: str) -> int:
    return 0 if range == "*/*" else 1 if range.endswith("/*") else 2


def _answer(media: str, range: Range) -> Format:
    """Answered with the very media type that was asked for, and the version where it was asked for."""
    version = f"; fhirVersion={FHIR_VERSION}" if range.fhir_version else ""
    return Format(media in XML_MEDIA, f"{media}{version}; charset=utf-8".encode())


def _option(options: Sequence[str], name: str) -> str:
    for option in options:
        key, _, value = option.partition("=")
        if key.strip() == name:
            return value.strip().strip('"')
    return ""


def _weight(text: str) -> float:
    try:
        return min(1.0, max(0.0, float(text))) if text else 1.0
    except ValueError:
        return 0.0
