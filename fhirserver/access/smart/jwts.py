"""JSON Web Tokens as they are read here: one algorithm that we name, one key that we chose. Never what a token says.

https://www.rfc-editor.org/rfc/rfc8725
"""

from __future__ import annotations

import binascii
import re
from base64 import urlsafe_b64decode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fhirserver.kernel.json import InvalidJson, dumps, loads_unique

if TYPE_CHECKING:
    from joserfc.jwk import ECKey, RSAKey

_MOST_CHARACTERS = 16 * 1024
_FORM = re.compile(r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\Z")


@dataclass(frozen=True, slots=True)
class Unverified:
    """What a token says of itself. To be believed in nothing before its signature is verified."""

    header: dict[str, Any]
    claims: dict[str, Any]


def looks_like_jwt(token: str) -> bool:
    """Whether a text has the form of a signed JWT in compact serialization."""
    return token.startswith("eyJ") and token.count(".") == 2


def unverified(token: str) -> Unverified | None:
    """Header and claims of a token; None for what is none, or is longer than any that is made."""
    if len(token) > _MOST_CHARACTERS or not _FORM.match(token):
        return None
    try:
        header, claims = (loads_unique(_data(part)) for part in token.split(".")[:2])
    except (binascii.Error, InvalidJson, ValueError):
        return None
    if not isinstance(header, dict) or not isinstance(claims, dict):
        return None
    return Unverified(header, claims)


def _data(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def verified(token: str, key: ECKey | RSAKey, algorithm: str) -> dict[str, Any] | None:
    """The claims of a token that this key has signed with this algorithm; None for any other.

    joserfc holds the header to that: another ``alg`` than the one named here is refused, and members that a signed
    token does not have; no key that the header names is looked at. Of the extensions that it knows we make none.
    """
    from joserfc import jws
    from joserfc.errors import JoseError

    stated = unverified(token)
    if stated is None or "crit" in stated.header:
        return None
    try:
        jws.deserialize_compact(token, key, algorithms=[algorithm])
    except (JoseError, ValueError, TypeError):
        return None
    return stated.claims


def signed(claims: dict[str, Any], key: ECKey | RSAKey, kid: str, algorithm: str, type: str) -> str:
    """A token of these claims."""
    from joserfc import jws

    header = {"alg": algorithm, "kid": kid, "typ": type}
    return jws.serialize_compact(header, dumps(claims), key, algorithms=[algorithm])
