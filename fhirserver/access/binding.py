"""Binding tokens: what a client that may not send headers opens a socket with.

A token says who asked, for which subscriptions, and until when, and is signed (HMAC-SHA-256), so that any process with
the same key can check it. It grants nothing by itself: what its principal may have is asked when the socket is bound.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from fhirserver.kernel.instants import Clock, SystemClock, instant
from fhirserver.kernel.json import InvalidJson, dumps, loads
from fhirserver.kernel.outcomes import Category, Refusal, refuse

LIFETIME_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Binding:
    """What a token says: the principal's name, ids of subscriptions, and the instant until which it is good."""

    principal: str
    subscriptions: tuple[str, ...]
    expires: str


class BindingTokens:
    """Issues tokens and reads them. ``key`` is secret and the same in every process."""

    def __init__(self, key: bytes, lifetime: float = LIFETIME_SECONDS, clock: Clock | None = None):
        self._key, self._lifetime, self._clock = key, timedelta(seconds=lifetime), clock or SystemClock()

    def issue(self, principal: str, subscriptions: Sequence[str]) -> tuple[str, Binding]:
        """A token, and what it says."""
        expires = instant(self._clock.now() + self._lifetime)
        body = _text(dumps({"who": principal, "for": list(subscriptions), "until": expires}))
        return f"{body}.{self._signature(body)}", Binding(principal, tuple(subscriptions), expires)

    def read(self, token: str) -> Binding:
        """What a token says. Raises :class:`Refusal` (401) for one that is forged, broken or too old."""
        body, _, signature = token.partition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(body).encode()):
            raise _refused("The token is not one of this server's")
        try:
            said = loads(base64.urlsafe_b64decode(body.encode()))
        except (binascii.Error, InvalidJson, UnicodeError):
            raise _refused("The token is not one of this server's") from None
        binding = Binding(said["who"], tuple(said["for"]), said["until"])
        if binding.expires < instant(self._clock.now()):
            raise _refused("The token is no longer good; ask for another by $get-ws-binding-token")
        return binding

    def _signature(self, body: str) -> str:
        return _text(hmac.new(self._key, body.encode(), hashlib.sha256).digest())


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode()


def _refused(text: str) -> Refusal:
    return refuse(Category.UNAUTHENTICATED, "login", text)
