"""Attachments: what they say of their content. https://hl7.org/fhir/R4/datatypes.html#Attachment"""

from __future__ import annotations

import base64
import binascii
import hashlib

from fhirserver.kernel.json import JsonObject
from fhirserver.model.validation.profiles.run import Run
from fhirserver.model.validation.report import Place


def check(attachment: JsonObject, place: Place, run: Run) -> None:
    """``size`` and ``hash`` are those of the data, before it was encoded."""
    data = attachment.get("data")
    if not isinstance(data, str):
        return
    try:
        content = base64.b64decode("".join(data.split()), validate=True)
    except (binascii.Error, ValueError):
        return  # reported as a malformed base64Binary already
    size = attachment.get("size")
    if isinstance(size, int) and size != len(content):
        words = f"says that the data has {size} bytes, but it has {len(content)}"
        run.add("structure", words, (place, "size", -1))
    _check_hash(attachment.get("hash"), content, place, run)


def _check_hash(stated: object, content: bytes, place: Place, run: Run) -> None:
    if not isinstance(stated, str):
        return
    digest = hashlib.sha1(content, usedforsecurity=False).digest()
    # Written as base64 of the digest by the specification, and of its hexadecimal text by some.
    known = {base64.b64encode(digest).decode(), base64.b64encode(digest.hex().encode()).decode()}
    if "".join(stated.split()) not in known:
        run.add("structure", "is not the SHA-1 hash of the data", (place, "hash", -1))
