"""What is sent: the body of an event, and the headers by which its receiver knows that it is ours and unchanged.

``webhook-signature`` is ``v1,`` and the base64 of the HMAC-SHA256 of ``<webhook-id>.<webhook-timestamp>.<body>``, once
for each secret there is: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fhirserver.interactions.events.event import DomainEvent
from fhirserver.kernel.json import JsonObject, dumps

PING: Final = "webhook.ping"


@dataclass(frozen=True, slots=True)
class Message:
    """``id`` is the same for every attempt and every replay, and of no other message."""

    id: str
    type: str
    body: bytes
    shown: tuple[tuple[str, str, int], ...] = ()


def message(event: DomainEvent, base: str) -> Message:
    """The message of an event; ``base`` is the FHIR base that its links lead to."""
    body: JsonObject = {"type": event.type, "timestamp": event.at, "data": event.as_json(base)}
    return Message(event.id, event.type, dumps(body), ((*event.key, event.version),))


def ping(id: str, at: str) -> Message:
    """A message that says nothing but that the webhook works."""
    return Message(id, PING, dumps({"type": PING, "timestamp": at, "data": {"id": id}}))


def headers(sent: Message, secrets: Sequence[bytes], at: int) -> dict[str, str]:
    """Those of one attempt at a moment (seconds since 1970)."""
    text = f"{sent.id}.{at}.".encode() + sent.body
    sealed = (base64.b64encode(hmac.digest(secret, text, hashlib.sha256)).decode() for secret in secrets)
    return {
        "Content-Type": "application/json",
        "webhook-id": sent.id,
        "webhook-timestamp": str(at),
        "webhook-signature": " ".join(f"v1,{one}" for one in sealed),
    }
