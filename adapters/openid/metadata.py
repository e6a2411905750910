"""What an OpenID provider says of itself, and its keys, each kept for a while.

https://openid.net/specs/openid-connect-discovery-1_0.html, https://www.rfc-editor.org/rfc/rfc7517
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from adapters.openid.exchange import JsonExchange
from fhirserver.kernel.json import Json, JsonObject
from fhirserver.ports.identity_provider import ProviderRefused, ProviderUnavailable

PublicKey: TypeAlias = RSAKey | ECKey | OKPKey
METADATA_SECONDS: Final = 3600.0
KEYS_SECONDS: Final = 3600.0
PAUSE_SECONDS: Final = 30.0
"""Between two looks for a key that was not among those that are known."""
_KINDS: Final[Mapping[str, Any]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
_LEAST_RSA_BITS: Final = 2048
_MOST_KEYS: Final = 100


@dataclass(frozen=True, slots=True)
class Metadata:
    """The endpoints. ``basic``: the client's secret goes into a header; ``names_issuer``: so does each answer."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    basic: bool
    names_issuer: bool


class ProviderMetadata:
    """Asks for the metadata and keys of one issuer when they are needed; what was known before serves if it is down."""

    def __init__(self, exchange: JsonExchange, issuer: str, monotonic: Callable[[], float] = time.monotonic):
        self._exchange, self._issuer, self._monotonic = exchange, issuer, monotonic
        self._one_at_a_time = asyncio.Lock()
        self._metadata: tuple[float, Metadata] | None = None
        self._keys: tuple[float, dict[str, PublicKey]] | None = None

    async def metadata(self) -> Metadata:
        """Raises ProviderError."""
        async with self._one_at_a_time:
            known, now = self._metadata, self._monotonic()
            if known is not None and now - known[0] < METADATA_SECONDS:
                return known[1]
            url = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
            try:
                found = _metadata(await self._exchange.get(url, "the provider's configuration"), self._issuer)
            except ProviderUnavailable:
                if known is None:
                    raise
                found = known[1]
            self._metadata = now, found
            return found

    async def key(self, kid: str) -> PublicKey:
        """The key of this id, or the only one where a token names none. Raises ProviderError."""
        metadata = await self.metadata()
        async with self._one_at_a_time:
            found = _chosen(self._keys[1], kid) if self._keys else None
            if self._should_look(found is not None):
                try:
                    found = _chosen(await self._renewed(metadata), kid)
                except ProviderUnavailable:
                    if found is None:
                        raise
            if found is None:
                raise ProviderRefused("the ID token is signed with a key that the provider does not have")
            return found

    def _should_look(self, known: bool) -> bool:
        """Whether to ask for the keys: now and then, and soon for one that is not known, but not for each."""
        if self._keys is None:
            return True
        return self._monotonic() - self._keys[0] >= (KEYS_SECONDS if known else PAUSE_SECONDS)

    async def _renewed(self, metadata: Metadata) -> dict[str, PublicKey]:
        keys = _public_keys(await self._exchange.get(metadata.jwks_uri, "the provider's keys"))
        self._keys = self._monotonic(), keys
        return keys


def _metadata(document: JsonObject, issuer: str) -> Metadata:
    if document.get("issuer") != issuer:
        raise ProviderRefused("the provider's configuration is that of another issuer than the settings name")
    methods = document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    return Metadata(
        _endpoint(document, "authorization_endpoint", issuer),
        _endpoint(document, "token_endpoint", issuer),
        _endpoint(document, "jwks_uri", issuer),
        not isinstance(methods, list) or "client_secret_basic" in methods,
        document.get("authorization_response_iss_parameter_supported") is True,
    )


def _endpoint(document: JsonObject, name: str, issuer: str) -> str:
    url = document.get(name)
    secure = issuer.startswith("https://")
    if not isinstance(url, str) or not url.startswith(("https://",) if secure else ("https://", "http://")):
        raise ProviderRefused(f"the provider's configuration has no {name}, or one without encryption")
    return url


def _public_keys(document: JsonObject) -> dict[str, PublicKey]:
    """By their ids; those that cannot be used to verify are left out."""
    listed = document.get("keys")
    found: dict[str, PublicKey] = {}
    for number, jwk in enumerate(listed[:_MOST_KEYS] if isinstance(listed, list) else ()):
        key = _public_key(jwk)
        if key is not None:
            found[str(jwk.get("kid") or f"#{number}")] = key
    return found


def _public_key(jwk: Json) -> PublicKey | None:
    if not isinstance(jwk, dict) or jwk.get("use", "sig") != "sig" or jwk.get("kty") not in _KINDS:
        return None
    if jwk["kty"] == "RSA" and len(str(jwk.get("n", ""))) * 6 < _LEAST_RSA_BITS:
        return None
    plain = {name: value for name, value in jwk.items() if name not in ("key_ops", "ext", "x5c")}
    try:
        key: PublicKey = _KINDS[jwk["kty"]].import_key(plain)
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    return key


def _chosen(keys: Mapping[str, PublicKey], kid: str) -> PublicKey | None:
    if kid:
        return keys.get(kid)
    return next(iter(keys.values())) if len(keys) == 1 else None
