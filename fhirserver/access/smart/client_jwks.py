"""Public keys of clients: what a JWK Set may hold, and which of its keys an assertion is verified with.

https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html: RS384 and ES384.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fhirserver.kernel.json import Json, JsonObject

if TYPE_CHECKING:
    from joserfc.jwk import ECKey, RSAKey

RS384, ES384 = "RS384", "ES384"
ASSERTION_ALGORITHMS = (RS384, ES384)
_MOST_KEYS = 50
_RSA_BITS = (2048, 8192)
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_PUBLIC = ("kty", "crv", "x", "y", "n", "e")


class InvalidJwks(ValueError):
    """It is no JWK Set of public keys; the message says why and holds nothing of a key."""


def check_jwks(jwks: Json) -> None:
    """Raises InvalidJwks for a set that has a private key, or none that an assertion could be signed with."""
    keys = keys_of(jwks)
    if any(_PRIVATE & set(key) or key.get("kty") == "oct" for key in keys):
        raise InvalidJwks("holds a private or symmetric key: only public keys are registered")
    if not any(_algorithm(key) for key in keys):
        raise InvalidJwks("has no key with a kid for RS384 (RSA, 2048 bits or more) or ES384 (P-384)")


def keys_of(jwks: Json) -> list[JsonObject]:
    """The keys of a set. Raises InvalidJwks."""
    keys = jwks.get("keys") if isinstance(jwks, dict) else None
    if not isinstance(keys, list) or len(keys) > _MOST_KEYS or not all(isinstance(one, dict) for one in keys):
        raise InvalidJwks(f"is no JWK Set of at most {_MOST_KEYS} keys")
    return keys


def _algorithm(key: JsonObject) -> str | None:
    """The algorithm that a key verifies; None for one that is of no use here."""
    if not isinstance(key.get("kid"), str) or key.get("use", "sig") != "sig" or _PRIVATE & set(key):
        return None
    found = _of_kind(key)
    return found if key.get("alg", found) == found else None


def _of_kind(key: JsonObject) -> str | None:
    if key.get("kty") == "EC" and key.get("crv") == "P-384":
        return ES384
    n = key.get("n")
    if key.get("kty") == "RSA" and isinstance(n, str) and _RSA_BITS[0] <= len(n) * 6 + 5 <= _RSA_BITS[1] + 16:
        return RS384
    return None


def verifying_keys(jwks: Json, kid: str, algorithm: str) -> list[ECKey | RSAKey]:
    """The keys of a set with this ``kid`` for this algorithm. Raises InvalidJwks."""
    from joserfc.errors import JoseError
    from joserfc.jwk import ECKey, RSAKey

    found: list[ECKey | RSAKey] = []
    for key in keys_of(jwks):
        if key.get("kid") != kid or _algorithm(key) != algorithm:
            continue
        kind: Any = ECKey if algorithm == ES384 else RSAKey
        try:
            found.append(kind.import_key({name: key[name] for name in _PUBLIC if name in key}))
        except (JoseError, ValueError, TypeError, KeyError):
            raise InvalidJwks("has a key that cannot be read") from None
    return found
