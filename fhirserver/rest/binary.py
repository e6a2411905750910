"""Binary resources as the bytes they hold. https://hl7.org/fhir/R4/binary.html#rest"""

from __future__ import annotations

import base64
import binascii
import re

from fhirserver.interactions.exchange import Request, Result
from fhirserver.kernel.json import InvalidJson, JsonObject, loads
from fhirserver.rest.bodies import media_of, unsupported
from fhirserver.rest.negotiation import FHIR_MEDIA, accepted, media_ranges, not_acceptable, takes

_MEDIA_TYPE = re.compile(
    r"[\w!#$&^.+-]+/[\w!#$&^.+-]+(?:\s*;\s*[\w!#$&^.+-]+=(?:[\w!#$&^.+:-]+|\"[\w .:;,/+-]*\"))*\Z"
)
_SHOWN = re.compile(r"(?:image/(?:png|jpeg|gif|webp|bmp|tiff)|audio/|video/|text/plain\b|application/pdf\b)")
_HEADER_TEXT = re.compile(r"[\x21-\x7e]{1,512}\Z")


def is_read(request: Request) -> bool:
    """Whether a Binary, or a version of one, is read as a whole."""
    return (
        request.type == "Binary"
        and request.id != ""
        and not request.operation
        and request.method in ("GET", "HEAD")
    )


def wants_resource(accept: str) -> bool:
    """Whether an Accept header names FHIR's own media types: only then the resource is meant."""
    return any(one.media in FHIR_MEDIA and one.weight > 0 for one in media_ranges(accept))


def raw_result(result: Result, accept: str) -> Result:
    """The content of a Binary that was read, or the resource where only JSON or XML is taken.

    What a browser would run is sent as an attachment, and nothing in it may run or load anything.
    """
    binary: JsonObject = loads(result.body)
    stated = str(binary.get("contentType", ""))
    content_type = stated if _MEDIA_TYPE.match(stated) else "application/octet-stream"
    if not takes(accept, media_of(content_type)):
        if accepted(accept) is None:
            raise not_acceptable()
        return result
    result.body = base64.b64decode(binary.get("data", ""))
    result.content_type = content_type
    shown = "inline" if _SHOWN.match(content_type.lower()) else "attachment"
    result.headers["Content-Disposition"] = f'{shown}; filename="{binary.get("id", "binary")}"'
    result.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    context = binary.get("securityContext", {}).get("reference", "")
    if _HEADER_TEXT.match(context):
        result.headers["X-Security-Context"] = context
    return result


def is_written(request: Request, body: bytes) -> bool:
    """Whether a Binary is sent as its content. FHIR's media types, and JSON or XML that is a Binary, are not."""
    media = media_of(request.headers.get("content-type", ""))
    if request.type != "Binary" or request.operation or request.method not in ("POST", "PUT"):
        return False
    if not media or media in FHIR_MEDIA:
        return False
    if media in ("application/json", "text/json"):
        return not _is_json_binary(body)
    if media in ("application/xml", "text/xml"):
        return b"http://hl7.org/fhir" not in body[:2000] or b"Binary" not in body[:2000]
    return True


def _is_json_binary(body: bytes) -> bool:
    try:
        content = loads(body)
    except InvalidJson:
        return False
    return isinstance(content, dict) and content.get("resourceType") == "Binary"


def binary_resource(request: Request, body: bytes) -> JsonObject:
    """The Binary of a raw body. Its ``X-Security-Context`` header becomes ``securityContext``."""
    content_type = " ".join(request.headers["content-type"].strip(" ;").split())
    if not _MEDIA_TYPE.match(content_type):
        raise unsupported("Content-Type is not a media type", "http.Content-Type")
    resource: JsonObject = {"resourceType": "Binary"}
    if request.id:
        resource["id"] = request.id
    resource["contentType"] = content_type
    if context := request.headers.get("x-security-context", ""):
        resource["securityContext"] = {"reference": context}
    if body:
        resource["data"] = binascii.b2a_base64(body, newline=False).decode()
    return resource
