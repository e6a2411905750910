"""How a client shows an authorization server who it is."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import quote

from joserfc import jwt

from adapters.fhir.smart.keys import SigningKey, SigningKeys

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LIFE_SECONDS = 240
"""How long an assertion holds: the standard allows five minutes, and clocks differ."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What goes with a token request: members of its form, and headers. ``name`` tells one from another."""

    name: str
    form: Mapping[str, str] = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class Credentials(Protocol):
    """What one client has."""

    def proofs(self, token_url: str, now: float) -> Iterator[Proof]:
        """The ways to authenticate, most likely first; ``now`` is the EHR's clock in seconds since 1970."""
        ...


class PrivateKeyJwt:
    """Signed assertions. https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html

    ``jwks_url`` is where the public keys are published, for EHRs to which they were registered by address. With
    several keys each is tried until one is taken, so that a new key can be used before and the old one after the EHR
    knows of the change.
    """

    def __init__(self, client_id: str, keys: SigningKeys, jwks_url: str = ""):
        self._client_id, self._keys, self._jwks_url = client_id, keys, jwks_url

    def proofs(self, token_url: str, now: float) -> Iterator[Proof]:
        for key in self._keys.all():
            assertion = self._assertion(key, token_url, now)
            yield Proof(key.kid, {"client_assertion_type": ASSERTION, "client_assertion": assertion})

    def _assertion(self, key: SigningKey, token_url: str, now: float) -> str:
        header = {"alg": key.algorithm, "kid": key.kid, "typ": "JWT"}
        if self._jwks_url:
            header["jku"] = self._jwks_url
        claims = {
            "iss": self._client_id,
            "sub": self._client_id,
            "aud": token_url,
            "iat": int(now),
            "exp": int(now) + LIFE_SECONDS,
            "jti": secrets.token_urlsafe(24),
        }
        return jwt.encode(header, claims, key.key, algorithms=[key.algorithm])


class ClientSecret:
    """A secret, in the Authorization header or in the form. https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1"""

    def __init__(self, client_id: str, secret: str, in_form: bool = False):
        self._client_id, self._secret, self._in_form = client_id, secret, in_form

    def proofs(self, token_url: str, now: float) -> Iterator[Proof]:
        if self._in_form:
            yield Proof("secret", {"client_id": self._client_id, "client_secret": self._secret})
            return
        pair = f"{quote(self._client_id, safe='')}:{quote(self._secret, safe='')}".encode()
        yield Proof("secret", {}, {"Authorization": f"Basic {base64.b64encode(pair).decode()}"})
