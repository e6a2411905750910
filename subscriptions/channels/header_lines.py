"""`Subscription.channel.header`: what a subscriber may have sent along.

https://hl7.org/fhir/R4/subscription-definitions.html#Subscription.channel.header
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")
_VALUE: Final = re.compile(r"[\t\x20-\x7e]*")
_MOST_LINES: Final = 32
_MOST_CHARACTERS: Final = 8192
_FRAMING: Final = """accept-encoding connection content-encoding content-length content-type expect host
    http2-settings keep-alive te trailer transfer-encoding upgrade"""
_OURS: Final = "date idempotency-key user-agent via"
_BELIEVED: Final = (
    "forwarded x-forwarded-for x-forwarded-host x-forwarded-proto x-real-ip x-http-method-override"
)
"""What servers believe because only a front server of their own sets it."""
_OF_METADATA: Final = "metadata metadata-flavor"
"""What the metadata services of clouds ask for."""
_FORBIDDEN: Final = frozenset(f"{_FRAMING} {_OURS} {_BELIEVED} {_OF_METADATA}".split())
_FORBIDDEN_BEGINNINGS: Final = ("proxy-", "sec-", "x-credence-", "x-aws-ec2-metadata-", "x-google-metadata-")


def objection(lines: Iterable[str]) -> str | None:
    """Why these lines may not be sent, without their values; None where they may."""
    listed = list(lines)
    if len(listed) > _MOST_LINES or sum(map(len, listed)) > _MOST_CHARACTERS:
        return f"there may be {_MOST_LINES} headers of {_MOST_CHARACTERS} characters in all"
    return next((why for why in map(_against, listed) if why is not None), None)


def _against(line: str) -> str | None:
    name, colon, value = line.partition(":")
    if not colon or not _NAME.fullmatch(name):
        return "a header is written 'Name: value'"
    if not _VALUE.fullmatch(value):
        return f"the value of the header '{name}' has characters that no header may have"
    if name.lower() in _FORBIDDEN or name.lower().startswith(_FORBIDDEN_BEGINNINGS):
        return f"the header '{name}' may not be set by a subscription"
    return None


def parsed(lines: Iterable[str]) -> list[tuple[str, str]]:
    """Names and values of lines to which there is no objection."""
    pairs = (line.partition(":") for line in lines)
    return [(name, value.strip()) for name, _, value in pairs]
