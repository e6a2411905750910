"""What a vendor posts when something changed: is it the vendor's, is it new, and which record does it name.

A notice is never taken for the record: whoever gets it reads the record.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from adapters.rest.expressions import Unmappable
from adapters.rest.inward import Inward
from adapters.rest.mapping import Signature, WebhookRules
from fhirserver.kernel.json import InvalidJson, Json, loads

MOST_BYTES = 1_000_000
MOST_EVENTS = 10_000


class Forged(ValueError):
    """The signature is missing, wrong, or too old."""


class Unreadable(ValueError):
    """It is signed, but says nothing that can be read."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Which record changed. ``type`` is empty for one of a kind that the mapping does not have."""

    event: str
    type: str
    id: str


class Webhook:
    """Checks what arrives for one connector. It remembers events, so that one that is sent again is told apart;
    to read a record twice would do no harm."""

    def __init__(self, rules: WebhookRules, inward: Inward):
        self._rules, self._inward = rules, inward
        self._seen: dict[str, None] = {}

    def read(self, headers: Mapping[str, str], body: bytes, keys: list[bytes]) -> Notice:
        """``headers`` by names in small letters. Raises :class:`Forged` and :class:`Unreadable`."""
        verify(
            self._rules.signature,
            headers,
            body,
            keys,
            self._inward.evaluator.functions.clock.now().timestamp(),
            self._rules.replay_seconds,
        )
        try:
            event = loads(body)
        except InvalidJson:
            raise Unreadable("the body is not JSON") from None
        return self._notice(event)

    def _notice(self, event: Json) -> Notice:
        scope, evaluator = self._inward.scope(), self._inward.evaluator
        try:
            type = evaluator.text(self._rules.type, event, scope)
            id = evaluator.text(self._rules.id, event, scope)
            number = evaluator.text(self._rules.event, event, scope)
        except Unmappable as error:
            raise Unreadable(f"the event is of another form: {error}") from None
        if not number:
            raise Unreadable("the event has no id")
        return Notice(number, type if id and type in self._inward.mapping.resources else "", id)

    def is_new(self, notice: Notice) -> bool:
        return notice.event not in self._seen

    def done(self, notice: Notice) -> None:
        """The notice was acted on."""
        self._seen[notice.event] = None
        while len(self._seen) > MOST_EVENTS:
            del self._seen[next(iter(self._seen))]


def verify(
    rules: Signature,
    headers: Mapping[str, str],
    body: bytes,
    keys: list[bytes],
    now: float,
    patience: float,
) -> None:
    """Raises :class:`Forged` unless one of the keys signed the body (and where there is one, a recent time)."""
    stated = headers.get(rules.header.lower(), "").removeprefix(rules.prefix)
    signature = _decoded(stated, rules.encoding)
    signed = body
    if rules.timestamp_header:
        stamp = headers.get(rules.timestamp_header.lower(), "")
        if not stamp.replace(".", "", 1).isdigit() or abs(now - float(stamp)) > patience:
            raise Forged("the time of the signature is missing or too far from now")
        signed = stamp.encode() + b"." + body
    if not any(_is_signed(rules.kind, key, signature, signed) for key in keys):
        raise Forged("the signature is wrong")


def _decoded(text: str, encoding: str) -> bytes:
    try:
        return bytes.fromhex(text) if encoding == "hex" else base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        raise Forged("the signature cannot be read") from None


def _is_signed(kind: str, key: bytes, signature: bytes, body: bytes) -> bool:
    if kind == "hmac-sha256":
        return bool(key) and hmac.compare_digest(hmac.new(key, body, hashlib.sha256).digest(), signature)
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, body)
    except (InvalidSignature, ValueError):
        return False
    return True


def key_of(kind: str, text: str) -> bytes:
    """A key from the settings or the vendor: a secret text, or a public key in base64."""
    if kind == "hmac-sha256":
        return text.encode()
    try:
        return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return b""
