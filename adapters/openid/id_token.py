"""ID tokens: what must hold before a word of one is believed.

https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from typing import Final

from joserfc import jws
from joserfc.errors import JoseError

from adapters.openid.metadata import PublicKey
from fhirserver.kernel.json import InvalidJson, Json, JsonObject, loads
from fhirserver.ports.identity_provider import ProviderRefused

ALGORITHMS: Final = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
)
"""Never none and never a shared secret, which whoever knows a public key could take it for."""
SKEW_SECONDS: Final = 60
"""By which clocks may differ."""
OLDEST_SECONDS: Final = 600
"""A token is of this moment: the person has just come back with the code that it was bought for."""
_MOST_CHARACTERS: Final = 64 * 1024
_MOST_OF_A_SUBJECT: Final = 255


async def verified(
    token: str,
    key: Callable[[str], Awaitable[PublicKey]],
    issuer: str,
    client: str,
    nonce: str,
    *,
    now: float,
) -> JsonObject:
    """The claims of a token. ``key`` finds a public key by its id; ``now`` is seconds since 1970.

    Raises ProviderRefused, and what ``key`` raises.
    """
    claims = await _signed(token, key)
    _check_who(claims, issuer, client)
    _check_when(claims, int(now))
    if not hmac.compare_digest(_text(claims, "nonce").encode(), nonce.encode()):
        raise ProviderRefused("the ID token is not the answer to what was asked: its nonce is another")
    return claims


async def _signed(token: str, key: Callable[[str], Awaitable[PublicKey]]) -> JsonObject:
    if len(token) > _MOST_CHARACTERS:
        raise ProviderRefused("the ID token is too long")
    try:
        header = jws.extract_compact(token.encode()).headers()
        if header.get("alg") not in ALGORITHMS:
            raise ProviderRefused("the ID token is not signed, or in a way that is not allowed")
        kid = header.get("kid", "")
        found = await key(kid if isinstance(kid, str) else "")
        claims = loads(jws.deserialize_compact(token, found, list(ALGORITHMS)).payload)
    except (JoseError, InvalidJson, ValueError, TypeError):
        raise ProviderRefused("the ID token is not one, or its signature is wrong") from None
    if not isinstance(claims, dict):
        raise ProviderRefused("the ID token holds no claims")
    return claims


def _check_who(claims: JsonObject, issuer: str, client: str) -> None:
    if claims.get("iss") != issuer:
        raise ProviderRefused("the ID token is of another issuer")
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if client not in audiences:
        raise ProviderRefused("the ID token is for another client")
    if claims.get("azp", client) != client or (len(audiences) > 1 and "azp" not in claims):
        raise ProviderRefused("the ID token was made for another client")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= _MOST_OF_A_SUBJECT:
        raise ProviderRefused("the ID token does not say whom it is about")


def _check_when(claims: JsonObject, now: int) -> None:
    ends, made, begins = (_seconds(claims.get(name)) for name in ("exp", "iat", "nbf"))
    if ends is None or ends <= now - SKEW_SECONDS:
        raise ProviderRefused("the ID token has expired")
    if made is None or made > now + SKEW_SECONDS or made < now - OLDEST_SECONDS:
        raise ProviderRefused("the ID token was not made now")
    if "nbf" in claims and (begins is None or begins > now + SKEW_SECONDS):
        raise ProviderRefused("the ID token does not hold yet")


def _text(claims: JsonObject, name: str) -> str:
    value = claims.get(name)
    return value if isinstance(value, str) else ""


def _seconds(value: Json) -> int | None:
    if isinstance(value, bool) or not hasattr(value, "__int__") or isinstance(value, str):
        return None
    return int(value)
