"""Access tokens: JWTs for the FHIR base, signed by the server. https://www.rfc-editor.org/rfc/rfc9068"""

from __future__ import annotations

import hashlib
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fhirserver.access.permissions import Rights
from fhirserver.access.scopes import InvalidScope, Scopes, parse_scopes
from fhirserver.access.smart.grants import Grant
from fhirserver.access.smart.jwts import signed, unverified, verified
from fhirserver.access.smart.keys import ES256, KeyRing
from fhirserver.access.smart.people import rights_claim, rights_of_claim
from fhirserver.access.smart.scope_rules import spelled
from fhirserver.access.smart.settings import Addresses, Lifetimes
from fhirserver.kernel.json import JsonObject

TYPE = "at+jwt"
_TYPES = frozenset({TYPE, "application/at+jwt"})
_LEEWAY_SECONDS = 60
MOST_SERVICE_SECONDS = 300
"""Of a backend service, which can have another at any time: the specification recommends no more."""
_TEXTS = ("client_id", "sub", "jti", "sid", "scope", "source")


class InvalidToken(Exception):
    """The token opens nothing. The message says why, and nothing of the token."""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What a token says that was verified. ``expires`` and ``issued`` are in seconds since 1970; ``grant`` is the id of
    the authorization (``sid``). ``user``: the fhirUser, empty for a backend service. ``spelled`` are the scopes as the
    client was told them."""

    client: str
    subject: str
    scopes: Scopes
    grant: str
    source: str
    rights: Rights
    issued: int
    expires: int
    id: str
    patient: str = ""
    user: str = ""
    spelled: str = ""

    @property
    def name(self) -> str:
        """Who asks, in a word: the client, and for whom."""
        for_user = self.user or (self.subject if self.subject != self.client else "")
        return f"{self.client}/{for_user}" if for_user else self.client


class AccessTokens:
    """Issues and verifies them. ``now``: seconds since 1970."""

    def __init__(
        self,
        ring: KeyRing,
        addresses: Addresses,
        lifetimes: Lifetimes,
        now: Callable[[], float] = time.time,
    ):
        self._ring, self._addresses, self._lifetimes, self._now = ring, addresses, lifetimes, now

    async def issue(self, grant: Grant, scopes: Scopes) -> tuple[str, int]:
        """A token for some of what was granted, and for how many seconds it holds."""
        await self._ring.ensure(ES256)
        now, seconds = int(self._now()), self._lifetimes.access
        if not grant.subject:
            seconds = min(seconds, MOST_SERVICE_SECONDS)
        claims: dict[str, Any] = {
            "iss": self._addresses.issuer,
            "aud": self._addresses.fhir,
            "sub": grant.subject or grant.client,
            "client_id": grant.client,
            "iat": now,
            "exp": now + seconds,
            "jti": secrets.token_urlsafe(16),
            "sid": grant.id,
            "scope": spelled(scopes, grant.asked),
            "source": grant.source,
            "rights": rights_claim(grant.rights),
        }
        more = {"patient": grant.patient, "fhirUser": grant.fhir_user}
        claims |= {name: value for name, value in more.items() if value}
        if grant.authenticated:
            claims["auth_time"] = grant.authenticated
        kid, key = self._ring.signing(ES256)
        return signed(claims, key, kid, ES256, TYPE), seconds

    def verify(self, token: str) -> AccessToken:
        """What a token says. Raises InvalidToken for one that is not ours, not for us, or not now."""
        stated = unverified(token)
        if stated is None:
            raise InvalidToken("it is no access token of this server")
        if str(stated.header.get("typ", "")).lower() not in _TYPES:
            raise InvalidToken("it is no access token")
        key = self._ring.verifying(stated.header.get("kid"), ES256)
        claims = verified(token, key, ES256) if key is not None else None
        if claims is None:
            raise InvalidToken("it was not signed by this server")
        return self._read(claims)

    def _read(self, claims: dict[str, Any]) -> AccessToken:
        now = self._now()
        if claims.get("iss") != self._addresses.issuer:
            raise InvalidToken("it is of another issuer")
        if claims.get("aud") != self._addresses.fhir:
            raise InvalidToken("it is for another server")
        expires, issued = claims.get("exp"), claims.get("iat")
        if not isinstance(expires, int) or not isinstance(issued, int) or issued > now + _LEEWAY_SECONDS:
            raise InvalidToken("it says nothing of when it holds")
        begins = claims.get("nbf", 0)
        if not isinstance(begins, int) or begins > now + _LEEWAY_SECONDS:
            raise InvalidToken("it does not hold yet")
        if expires <= now:
            raise InvalidToken("it has expired")
        if not all(isinstance(claims.get(name), str) for name in _TEXTS):
            raise InvalidToken("it is no access token of this server")
        return _token(claims, issued, expires)


def _token(claims: dict[str, Any], issued: int, expires: int) -> AccessToken:
    try:
        scopes, rights = parse_scopes(claims["scope"]), rights_of_claim(claims.get("rights"))
    except (InvalidScope, ValueError, TypeError):
        raise InvalidToken("its scopes cannot be read") from None
    return AccessToken(
        claims["client_id"],
        claims["sub"],
        scopes,
        claims["sid"],
        claims["source"],
        rights,
        issued,
        expires,
        claims["jti"],
        claims.get("patient", ""),
        claims.get("fhirUser", ""),
        claims["scope"],
    )


class IdTokens:
    """Says to a client who signed in. https://openid.net/specs/openid-connect-core-1_0.html#IDToken"""

    def __init__(
        self,
        ring: KeyRing,
        addresses: Addresses,
        lifetimes: Lifetimes,
        now: Callable[[], float] = time.time,
    ):
        self._ring, self._addresses, self._lifetimes, self._now = ring, addresses, lifetimes, now

    async def issue(self, grant: Grant, scopes: Scopes, algorithm: str, access_token: str) -> str:
        """The ID token that goes with an access token. ``fhirUser`` is the URL of a resource here."""
        await self._ring.ensure(algorithm)
        now = int(self._now())
        claims: dict[str, Any] = {
            "iss": self._addresses.issuer,
            "sub": grant.subject,
            "aud": grant.client,
            "iat": now,
            "exp": now + self._lifetimes.access,
            "auth_time": grant.authenticated,
            "at_hash": _half_hash(access_token),
        }
        if grant.nonce:
            claims["nonce"] = grant.nonce
        claims |= user_claims(grant, scopes, self._addresses)
        kid, key = self._ring.signing(algorithm)
        return signed(claims, key, kid, algorithm, "JWT")


def user_claims(grant: Grant, scopes: Scopes, addresses: Addresses) -> JsonObject:
    """What a client is told of the user beside ``sub``: in ID tokens and at the UserInfo endpoint the same."""
    told: JsonObject = {}
    url = f"{addresses.fhir}/{grant.fhir_user}" if grant.fhir_user else ""
    if url and scopes.has("fhirUser"):
        told["fhirUser"] = url
    if scopes.has("profile"):
        told["name"] = grant.name
        if url:
            told["profile"] = url
    return told


def _half_hash(token: str) -> str:
    """``at_hash``: half of the token's SHA-256, which is the hash of both algorithms."""
    return urlsafe_b64encode(hashlib.sha256(token.encode()).digest()[:16]).decode().rstrip("=")
