"""Tokens by which a websocket is bound to subscriptions: what ``$get-ws-binding-token`` gives and the socket takes.

A token says for itself whose it is, what for and until when, under the server's key: any process can check it, and
none has to remember it. It opens nothing else.

https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/OperationDefinition-backport-subscription-get-ws-binding-token.html
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from fhirserver.access.owners import Owner
from fhirserver.access.server_key import ServerKey
from fhirserver.kernel.instants import Clock, SystemClock
from fhirserver.kernel.json import InvalidJson, dumps, loads

LIFETIME_SECONDS = 3600
MOST_SUBSCRIPTIONS = 100
"""That one token may be for."""
_MOST_CHARACTERS = 16 * 1024


@dataclass(frozen=True, slots=True)
class Binding:
    """What a token grants: ``expires`` is in seconds since 1970."""

    owner: Owner
    subscriptions: tuple[str, ...]
    expires: int


class InvalidToken(Exception):
    """The token is not one of ours, or no longer. The message says which, and nothing of the token."""


class BindingTokens:
    """Makes and reads tokens."""

    def __init__(self, key: ServerKey, clock: Clock | None = None):
        self._key, self._clock = key, clock or SystemClock()

    def issue(
        self, owner: Owner, subscriptions: Sequence[str], seconds: int = LIFETIME_SECONDS
    ) -> tuple[str, int]:
        """A token of somebody's, and when it expires in seconds since 1970. Raises ValueError for too many."""
        if not 1 <= len(subscriptions) <= MOST_SUBSCRIPTIONS:
            raise ValueError(f"a token is for 1 to {MOST_SUBSCRIPTIONS} subscriptions")
        expires = int(self._clock.now().timestamp()) + seconds
        app = {"c": owner.client, "g": owner.grant} if owner.client else {}
        said = dumps({"p": owner.principal, "s": list(subscriptions), "e": expires, **app})
        return f"{_text(said)}.{_text(self._seals(said)[0])}", expires

    def read(self, token: str) -> Binding:
        """What the token grants. Raises InvalidToken."""
        said, seal = _parts(token)
        if not any(hmac.compare_digest(seal, ours) for ours in self._seals(said)):
            raise InvalidToken("it is not a token of this server")
        try:
            content = loads(said)
        except InvalidJson:
            raise InvalidToken("it is not a token of this server") from None
        owner = Owner(content["p"], content.get("c", ""), content.get("g", ""))
        binding = Binding(owner, tuple(content["s"]), content["e"])
        if binding.expires <= self._clock.now().timestamp():
            raise InvalidToken("it has expired")
        return binding

    def _seals(self, said: bytes) -> list[bytes]:
        """With the key of now, and with those before that still count."""
        return [hmac.digest(key, said, hashlib.sha256) for key in self._key.derive_all("websocket binding")]


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def _parts(token: str) -> tuple[bytes, bytes]:
    said, dot, seal = token.partition(".")
    if not dot or len(token) > _MOST_CHARACTERS or not token.isascii():
        raise InvalidToken("it is not a token of this server")
    try:
        return _data(said), _data(seal)
    except (binascii.Error, ValueError):
        raise InvalidToken("it is not a token of this server") from None


def _data(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
