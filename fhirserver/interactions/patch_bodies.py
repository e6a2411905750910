"""Bodies of PATCH by their media type. https://hl7.org/fhir/R4/http.html#patch

JSON Patch is ``application/json-patch+json``; a FHIRPath Patch is a Parameters resource in a FHIR media type.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TypeAlias

from fhirserver.kernel.json import InvalidJson, Json, JsonObject, loads_unique
from fhirserver.kernel.outcomes import Category, Issue, Refusal, refuse
from fhirserver.kernel.references import walk_references
from fhirserver.model.links import Find, relink
from fhirserver.model.patch import parse_fhirpath_patch, parse_json_patch
from fhirserver.model.validation import validate
from fhirserver.model.xml import InvalidXml, read_xml

Patch: TypeAlias = Callable[[JsonObject], JsonObject]
JSON_PATCH = "application/json-patch+json"
FHIR_JSON = "application/fhir+json"
_FHIR_JSON = frozenset({FHIR_JSON, "application/json", "text/json"})
_FHIR_XML = frozenset({"application/fhir+xml", "application/xml", "text/xml"})
ACCEPT_PATCH = f"{JSON_PATCH}, {FHIR_JSON}, application/fhir+xml"


def read_patch(media: str, body: bytes | Json, uri: Find, reference: Find) -> Patch:
    """The patch in a body, its links replaced by what the two find.

    Raises a refusal for another media type (415), for what cannot be read (400) and for what is no patch (400).
    """
    media = media.partition(";")[0].strip().lower()
    if media == JSON_PATCH:
        return parse_json_patch(_relinked(_json(body), reference))
    if media not in _FHIR_JSON | _FHIR_XML:
        text = f"PATCH takes {ACCEPT_PATCH}"
        refusal = refuse(Category.UNSUPPORTED_MEDIA, "not-supported", text, "http.Content-Type")
        refusal.headers["Accept-Patch"] = ACCEPT_PATCH
        raise refusal
    parameters = _xml(body) if media in _FHIR_XML and isinstance(body, bytes) else _json(body)
    return parse_fhirpath_patch(_with_strings(relink(_parameters(parameters), uri, reference), reference))


def _json(body: bytes | Json) -> Json:
    if not isinstance(body, bytes):
        return body
    try:
        return loads_unique(body)
    except InvalidJson as error:
        raise refuse(Category.INVALID, "structure", f"The body is not JSON: {error}", "http.body") from None


def _xml(body: bytes) -> JsonObject:
    try:
        return read_xml(body)
    except InvalidXml as error:
        raise not_xml(error, "http.body") from None


def not_xml(error: InvalidXml, *otherwise: str) -> Refusal:
    """The refusal (400) of a body that is not FHIR XML: an issue for each fault, at its element or ``otherwise``."""
    issues = [
        Issue(
            "structure",
            f"The body is not FHIR XML: {fault}",
            (fault.expression,) if fault.expression else otherwise,
        )
        for fault in error.faults
    ]
    return Refusal(Category.INVALID, issues)


def _parameters(body: Json) -> JsonObject:
    if not isinstance(body, dict) or body.get("resourceType") != "Parameters":
        text = f"A FHIRPath Patch is a Parameters resource; a JSON Patch is sent as {JSON_PATCH}"
        raise refuse(Category.INVALID, "invalid", text, "resourceType")
    issues = [issue for issue in validate(body) if issue.severity in ("error", "fatal")]
    if issues:
        raise Refusal(Category.INVALID, issues)
    return body


def _with_strings(parameters: JsonObject, find: Find) -> JsonObject:
    """With the strings that become a ``Reference.reference`` replaced too: by its type a string is no link."""
    parts = [one.get("part", ()) for one in parameters.get("parameter", ())]
    if not any(_is_link(path) for operation in parts for path in operation):
        return parameters
    parameters = copy.deepcopy(parameters)
    for operation in parameters["parameter"]:
        if any(map(_is_link, operation.get("part", ()))):
            for part in operation["part"]:
                text = part.get("valueString")
                if part.get("name") == "value" and isinstance(text, str):
                    part["valueString"] = find(text) or text
    return parameters


def _is_link(part: JsonObject) -> bool:
    text = str(part.get("valueString", ""))
    return (part.get("name") == "path" and text.endswith(".reference")) or (
        part.get("name") == "name" and text == "reference"
    )


def _relinked(operations: Json, find: Find) -> Json:
    """A JSON Patch with its references replaced.

    A patch tells no types, so what is a link is told by names: ``reference`` in an object, or at the end of the
    path where the value is a string.
    """
    if not isinstance(operations, list):
        return operations
    return [_relinked_operation(one, find) if isinstance(one, dict) else one for one in operations]


def _relinked_operation(operation: JsonObject, find: Find) -> JsonObject:
    if "value" not in operation:
        return operation
    value = operation["value"]
    if isinstance(value, str):
        is_reference = str(operation.get("path", "")).endswith("/reference")
        return {**operation, "value": (find(value) or value) if is_reference else value}
    value = copy.deepcopy(value)
    for holder in walk_references(value):
        holder["reference"] = find(holder["reference"]) or holder["reference"]
    return {**operation, "value": value}
