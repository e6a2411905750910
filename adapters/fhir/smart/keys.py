"""Private keys that sign client assertions: a JWK, a JWK Set, or one or more keys in PEM.

https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html: ES384 and RS384.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from fhirserver.kernel.json import InvalidJson, Json, loads

ALGORITHMS = ("ES384", "RS384")
_LEAST_RSA_BITS = 2048
_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL)


class InvalidKey(ValueError):
    """There is no key that can sign; the message says why and holds nothing of a key."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One private key, the algorithm that it signs with, and the ``kid`` by which the EHR finds its public half."""

    kid: str
    algorithm: str
    key: ECKey | RSAKey


class SigningKeys:
    """The keys of one client. They are read anew for each token, so that a key can be changed without a restart."""

    def __init__(self, read: Callable[[], str], kid: str = ""):
        """``read`` returns the text of the file. ``kid``: of several keys the one to use, or the name of one in PEM."""
        self._read, self._kid = read, kid

    def all(self) -> tuple[SigningKey, ...]:
        """The keys that may be used, the one to try first in front. Raises :class:`InvalidKey`."""
        text = self._read()
        keys = tuple(_from_pem(text, self._kid) if _PEM.search(text) else _from_json(text))
        if self._kid and not (keys := tuple(key for key in keys if key.kid == self._kid)):
            raise InvalidKey(f"there is no private key with kid '{self._kid}'")
        if not keys:
            raise InvalidKey("there is no private key for ES384 (P-384) or RS384 (RSA) in it")
        return keys


def _from_pem(text: str, kid: str) -> Iterator[SigningKey]:
    for pem in _PEM.findall(text):
        key = _imported(ECKey if "BEGIN EC" in pem else None, pem)
        if found := _signing(key, kid):
            yield found


def _imported(kind: type[ECKey] | None, pem: str) -> ECKey | RSAKey:
    for each in (kind,) if kind else (RSAKey, ECKey):
        try:
            return each.import_key(pem)
        except (JoseError, ValueError, TypeError):
            continue
    raise InvalidKey("a key in PEM cannot be read: it must be RSA or EC, without a password")


def _from_json(text: str) -> Iterator[SigningKey]:
    try:
        document = loads(text)
    except InvalidJson:
        raise InvalidKey("the key is neither PEM nor JSON") from None
    keys = document.get("keys", [document]) if isinstance(document, dict) else []
    for each in keys if isinstance(keys, list) else []:
        if isinstance(each, dict) and "d" in each and each.get("use", "sig") == "sig":
            yield from _from_jwk(each)


def _from_jwk(jwk: dict[str, Json]) -> Iterator[SigningKey]:
    kind: Any = {"EC": ECKey, "RSA": RSAKey}.get(str(jwk.get("kty")))
    if kind is None or jwk.get("alg", ALGORITHMS[0]) not in ALGORITHMS:
        return
    if jwk["kty"] == "RSA" and len(str(jwk.get("n", ""))) * 6 < _LEAST_RSA_BITS:
        raise _short()  # before the library only warns of it
    plain = {name: value for name, value in jwk.items() if name not in ("key_ops", "ext")}
    try:
        found = _signing(kind.import_key(plain), str(jwk.get("kid", "")))
    except (JoseError, ValueError, TypeError, KeyError):
        raise InvalidKey("a JWK cannot be read") from None
    if found:
        yield found


def _signing(key: ECKey | RSAKey, kid: str) -> SigningKey | None:
    """The key with its algorithm; None for one that SMART has no use for."""
    kid = kid or key.thumbprint()
    if isinstance(key, RSAKey):
        if key.raw_value.key_size < _LEAST_RSA_BITS:
            raise _short()
        return SigningKey(kid, "RS384", key) if key.is_private else None
    return SigningKey(kid, "ES384", key) if key.is_private and key.curve_name == "P-384" else None


def _short() -> InvalidKey:
    return InvalidKey(f"an RSA key needs at least {_LEAST_RSA_BITS} bits")
