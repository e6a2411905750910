"""The engine renders notifications once, as FHIR JSON; what is wanted in XML is made of that."""

from __future__ import annotations

from typing import Final

from fhirserver.kernel.json import JsonObject, loads
from fhirserver.model.xml import read_xml, write_xml

XML: Final = ("application/fhir+xml", "application/xml", "text/xml")
JSON: Final = ("application/fhir+json", "application/json")


def media_of(content_type: str) -> str:
    """The media type of a Content-Type, without its parameters."""
    return content_type.partition(";")[0].strip().lower()


def is_xml(body: bytes) -> bool:
    """Whether a resource is written in XML: JSON begins otherwise."""
    return body.lstrip()[:1] == b"<"


def resource_of(body: bytes) -> JsonObject:
    """A resource in either form as JSON."""
    if is_xml(body):
        return read_xml(body)
    found = loads(body)
    assert isinstance(found, dict)
    return found


def in_form(body: bytes, media: str) -> bytes:
    """A rendered resource in the form of a media type."""
    if media_of(media) in XML and not is_xml(body):
        return write_xml(resource_of(body))
    return body
