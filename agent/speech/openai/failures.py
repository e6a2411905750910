"""The SDK's errors as the one of the port: their own text may repeat what was sent, so only kinds and codes stay."""

from __future__ import annotations

import re

from openai import APIStatusError
from websockets.exceptions import ConnectionClosed, InvalidStatus

from agent.speech.ports import SpeechFailed

GRAVE = frozenset(
    ("rate_limit_exceeded", "rate_limit_error", "insufficient_quota", "server_error", "session_expired")
)
"""Codes of errors after which nothing that was asked will be answered."""
_CODE = re.compile(r"[a-z0-9_.]{1,60}\Z")


def failed(error: BaseException) -> SpeechFailed:
    """What an exception of the SDK, the websocket or the network says, without its text."""
    detail = ""
    if isinstance(error, APIStatusError):
        detail = f" {error.status_code}"
    elif isinstance(error, InvalidStatus):
        detail = f" {error.response.status_code}"
    elif isinstance(error, ConnectionClosed) and error.rcvd is not None:
        detail = f" {error.rcvd.code}"
    return SpeechFailed(f"OpenAI: {type(error).__name__}{detail}")


def refused(what: str, *codes: object) -> SpeechFailed:
    """What an event of the API says, by its codes."""
    known = [code for code in codes if isinstance(code, str) and _CODE.match(code)]
    return SpeechFailed(f"OpenAI: {what}" + (f" ({known[0]})" if known else ""))
