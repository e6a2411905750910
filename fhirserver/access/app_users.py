"""Tokens by which the backend of an app says who its user is: signed JWTs, one issuer for each chat service.

https://www.rfc-editor.org/rfc/rfc7519, https://www.rfc-editor.org/rfc/rfc8725
"""

from __future__ import annotations

import re
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from fhirserver.access.principals import token_digest
from fhirserver.access.smart.client_jwks import InvalidJwks
from fhirserver.access.smart.client_keys import Fetch, FetchFailed, NoFetch
from fhirserver.access.smart.jwts import unverified, verified
from fhirserver.kernel.json import InvalidJson, Json, JsonObject, loads
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.ports.chats import AppUsers

if TYPE_CHECKING:
    from joserfc.jwk import ECKey, OKPKey, RSAKey

ALGORITHMS: Final = {
    "ES256": ("EC", "P-256"),
    "RS256": ("RSA", ""),
    "EdDSA": ("OKP", "Ed25519"),
    "Ed25519": ("OKP", "Ed25519"),
}
"""What tokens may be signed with, and the key that is for."""
MOST_SECONDS: Final = 3600
_LEEWAY: Final = 30
_FRESH: Final = 600.0
_AGAIN: Final = 10.0
_MOST_REMEMBERED: Final = 4096
_MOST_TEXT: Final = 200
_ID: Final = re.compile(r"[A-Za-z0-9\-.]{1,64}")


@dataclass(frozen=True, slots=True)
class AppUser:
    """What a token says that was verified. ``until``: seconds since 1970."""

    subject: str
    until: float
    patient: str = ""
    phone: str = ""
    name: str = ""
    related: str = ""


@dataclass(slots=True)
class _Fetched:
    keys: Json = None
    at: float = float("-inf")
    tried: float = float("-inf")


class AppUserTokens:
    """Verifies them. ``now``: seconds since 1970. What was verified is remembered until it expires."""

    def __init__(self, fetch: Fetch | None = None, now: Callable[[], float] = time.time):
        self._fetch, self._now = fetch or NoFetch(), now
        self._fetched: dict[str, _Fetched] = {}
        self._known: dict[tuple[str, AppUsersKey], AppUser] = {}

    async def user(self, token: str, users: AppUsers) -> AppUser:
        """Who a token of this issuer is about. Raises :class:`Refusal` (401)."""
        key = (token_digest(token), _key_of(users))
        found = self._known.get(key)
        if found is None:
            claims = await self._verified(token, users)
            found = _read(claims, users, self._now())
            while len(self._known) >= _MOST_REMEMBERED:
                del self._known[next(iter(self._known))]
            self._known[key] = found
        if found.until + _LEEWAY <= self._now():
            self._known.pop(key, None)
            raise unknown_user("it has expired")
        return found

    async def _verified(self, token: str, users: AppUsers) -> dict[str, Any]:
        stated = unverified(token)
        if stated is None:
            raise unknown_user("it is no signed JWT")
        algorithm, kid = stated.header.get("alg"), stated.header.get("kid")
        if algorithm not in ALGORITHMS:
            raise unknown_user(f"its alg is none of {', '.join(ALGORITHMS)}")
        for again in (False, True):
            for key in _keys(await self._jwks(users, again), kid, algorithm):
                with warnings.catch_warnings():  # EdDSA is what most still call Ed25519
                    warnings.simplefilter("ignore")
                    claims = verified(token, key, algorithm)  # type: ignore[arg-type]
                if claims is not None:
                    return claims
            if not users.jwks_url:
                break
        raise unknown_user("no key of the service has signed it")

    async def _jwks(self, users: AppUsers, again: bool) -> Json:
        """The keys; fetched where they are old, or where ``again`` one is missing, but not all the time."""
        if users.jwks is not None:
            return users.jwks
        kept, now = self._fetched.setdefault(users.jwks_url, _Fetched()), self._now()
        if now - kept.at < (_AGAIN if again else _FRESH) or now - kept.tried < _AGAIN:
            return kept.keys
        kept.tried = now
        try:
            kept.keys, kept.at = loads((await self._fetch(users.jwks_url)).body), now
        except (FetchFailed, InvalidJson) as error:
            if kept.keys is None:
                text = f"The keys of the service cannot be fetched: {type(error).__name__}"
                raise refuse(Category.BUSY, "transient", text) from None
        return kept.keys


AppUsersKey = tuple[str, str, str, bool]


def _key_of(users: AppUsers) -> AppUsersKey:
    """What, when it changes, makes what is remembered worthless."""
    return (users.issuer, users.audience, users.jwks_url or repr(users.jwks), users.trusts_patient)


def _keys(jwks: Json, kid: Any, algorithm: str) -> list[ECKey | RSAKey | OKPKey]:
    """The keys of a set that a token may be signed with: of its kind, and with its ``kid`` where it names one."""
    from joserfc.errors import JoseError
    from joserfc.jwk import ECKey, OKPKey, RSAKey

    kinds: dict[str, Any] = {"EC": ECKey, "RSA": RSAKey, "OKP": OKPKey}
    kty, curve = ALGORITHMS[algorithm]
    found: list[ECKey | RSAKey | OKPKey] = []
    for key in jwks.get("keys", ()) if isinstance(jwks, dict) else ():
        if not isinstance(key, dict) or key.get("kty") != kty or (curve and key.get("crv") != curve):
            continue
        if kid is not None and key.get("kid", kid) != kid:
            continue
        public: JsonObject = {name: key[name] for name in ("kty", "crv", "x", "y", "n", "e") if name in key}
        try:
            found.append(kinds[kty].import_key(public))
        except (JoseError, ValueError, TypeError, KeyError):
            continue
    return found


def _read(claims: dict[str, Any], users: AppUsers, now: float) -> AppUser:
    if claims.get("iss") != users.issuer:
        raise unknown_user("iss is another")
    audience = claims.get("aud")
    if users.audience not in (audience if isinstance(audience, list) else [audience]):
        raise unknown_user("aud is another")
    until, begins = _number(claims.get("exp")), _number(claims.get("nbf", claims.get("iat", 0)))
    if until is None or begins is None:
        raise unknown_user("exp is missing or wrong")
    if until + _LEEWAY <= now:
        raise unknown_user("it has expired")
    if until > now + MOST_SECONDS + _LEEWAY:
        raise unknown_user(f"exp is more than {MOST_SECONDS} s from now")
    if begins > now + _LEEWAY:
        raise unknown_user("it does not hold yet")
    subject = _text(claims, "sub")
    if not subject:
        raise unknown_user("sub is missing")
    patient = _text(claims, "patient").removeprefix("Patient/") if users.trusts_patient else ""
    reference = f"Patient/{patient}" if patient else ""
    related = _text(claims, "related_person").removeprefix("RelatedPerson/")
    if not users.trusts_patient:
        related = ""
    elif related and not patient:
        raise unknown_user("it has a related_person and no patient")
    proxy = f"RelatedPerson/{related}" if related else ""
    if not all(map(_ID.fullmatch, filter(None, (patient, related)))):
        raise unknown_user("patient and related_person are ids")
    return AppUser(subject, until, reference, _text(claims, "phone"), _text(claims, "name"), proxy)


def _number(value: Any) -> float | None:
    """Seconds, with a fraction or without."""
    right = isinstance(value, int | Decimal) and not isinstance(value, bool)
    return float(value) if right and abs(value) < 10**12 else None


def _text(claims: dict[str, Any], name: str) -> str:
    value = claims.get(name, "")
    if not isinstance(value, str) or len(value) > _MOST_TEXT:
        raise unknown_user(f"{name} is no text of at most {_MOST_TEXT} characters")
    return value.strip()


def unknown_user(why: str) -> Refusal:
    """The refusal (401) of a token, with the reason."""
    refusal = refuse(Category.UNAUTHENTICATED, "login", f"The user's token is not accepted: {why}")
    refusal.headers["WWW-Authenticate"] = 'Bearer realm="credence", error="invalid_token"'
    return refusal


__all__ = ["ALGORITHMS", "MOST_SECONDS", "AppUser", "AppUserTokens", "InvalidJwks", "unknown_user"]
