"""ETag and If-Match: who changes what somebody else has changed meanwhile is told so.

https://www.rfc-editor.org/rfc/rfc9110#field.if-match. The ETag of what a FHIR resource carries is that resource's.
"""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Header

from fhirserver.kernel.outcomes import Category, refuse

_ETAG = re.compile(r'(?:W/)?"([^"]{1,64})"\Z')

IfMatch = Annotated[
    str,
    Header(
        alias="If-Match",
        max_length=80,
        description="The ETag of what is to be changed: 412 where it has changed since. Empty: whatever it is.",
    ),
]


def check_match(if_match: str, etag: str) -> None:
    """Refuses (412) where ``if_match`` is not the ETag that holds now, (400) where it is none. Empty matches all."""
    if not if_match or if_match.strip() == "*":
        return
    stated, holds = _ETAG.match(if_match.strip()), _ETAG.match(etag)
    if stated is None:
        text = 'If-Match is one ETag, such as W/"3"'
        raise refuse(Category.INVALID, "value", text, "If-Match")
    if holds is None or stated[1] != holds[1]:
        text = "It has changed meanwhile: read it again"
        raise refuse(Category.PRECONDITION_FAILED, "conflict", text, "If-Match")
