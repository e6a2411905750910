"""A picture that a patient sends, as a DocumentReference."""

from __future__ import annotations

import base64
from datetime import datetime
from hashlib import sha1

from fhirserver.kernel.instants import instant
from fhirserver.kernel.json import JsonObject

MOST_BYTES = 6 * 1024 * 1024
_KIND = "https://credence.health/fhir/CodeSystem/document-kind"


def kind_of(content: bytes) -> str:
    """The media type by what the file begins with; empty for what is no picture that we take."""
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return ""


def document(id: str, patient: str, content: bytes, kind: str, at: datetime) -> JsonObject:
    """The DocumentReference of an insurance card."""
    attachment = {
        "contentType": kind,
        "data": base64.b64encode(content).decode(),
        "size": len(content),
        "hash": base64.b64encode(sha1(content, usedforsecurity=False).digest()).decode(),
        "title": "Insurance card",
    }
    return {
        "resourceType": "DocumentReference",
        "id": id,
        "status": "current",
        "docStatus": "preliminary",
        "type": {
            "coding": [{"system": "http://loinc.org", "code": "64290-0", "display": "Health insurance card"}]
        },
        "category": [{"coding": [{"system": _KIND, "code": "insurance-card"}]}],
        "subject": {"reference": patient},
        "author": [{"reference": patient}],
        "date": instant(at),
        "description": "Insurance card",
        "content": [{"attachment": attachment}],
    }
