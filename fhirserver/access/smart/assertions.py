"""Client assertions: JWTs by which a client with keys proves who it is, once each.

https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html, https://www.rfc-editor.org/rfc/rfc7523
"""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from fhirserver.access.principals import token_digest
from fhirserver.access.smart.client_jwks import ASSERTION_ALGORITHMS, InvalidJwks
from fhirserver.access.smart.client_keys import ClientKeys, FetchFailed
from fhirserver.access.smart.clients import KEYS, Client, Clients
from fhirserver.access.smart.errors import invalid_client, invalid_request
from fhirserver.access.smart.jwts import Unverified, unverified, verified
from fhirserver.ports.access_records import AccessRecords

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
MOST_SECONDS = 300
_LEEWAY_SECONDS = 10
_MOST_JTI = 500


class Assertions:
    """Verifies assertions made for one audience, the token endpoint. ``now``: seconds since 1970."""

    def __init__(
        self,
        clients: Clients,
        keys: ClientKeys,
        records: AccessRecords,
        audience: str,
        now: Callable[[], float] = time.time,
    ):
        self._clients, self._keys, self._records = clients, keys, records
        self._audience, self._now = audience, now

    async def client(self, assertion: str, type: str) -> Client:
        """The client that made an assertion, which holds now and was not used before. Raises OAuthError."""
        if type != TYPE:
            raise invalid_request(f"client_assertion_type is {TYPE}")
        stated = unverified(assertion)
        if stated is None:
            raise invalid_client("client_assertion is not a JWT")
        client = await self._clients.find(str(stated.claims.get("iss", "")))
        if client is None or client.method != KEYS:
            raise invalid_client("the issuer of the assertion is no client with keys")
        claims = await self._verified(assertion, stated, client)
        self._check(claims, client)
        await self._use(claims, client)
        return client

    async def _verified(self, assertion: str, stated: Unverified, client: Client) -> dict[str, Any]:
        algorithm, kid = stated.header.get("alg"), stated.header.get("kid")
        if algorithm not in ASSERTION_ALGORITHMS:
            raise invalid_client(f"alg of the assertion is one of {', '.join(ASSERTION_ALGORITHMS)}")
        if not isinstance(kid, str) or not kid:
            raise invalid_client("the assertion has no kid")
        if stated.header.get("jku", client.jwks_uri) != client.jwks_uri:
            raise invalid_client("jku of the assertion is not the address that is registered")
        try:
            keys = await self._keys.find(client, kid, algorithm)
        except FetchFailed as error:
            raise invalid_client(f"the keys of the client cannot be fetched: {error}") from None
        except InvalidJwks as error:
            raise invalid_client(f"the JWK Set of the client {error}") from None
        if len(keys) > 1:
            raise invalid_client("several keys of the client have the kid of the assertion")
        claims = verified(assertion, keys[0], algorithm) if keys else None
        if claims is None:
            raise invalid_client("no key of the client has made the assertion's signature")
        return claims

    def _check(self, claims: dict[str, Any], client: Client) -> None:
        """Of the claims; what is wrong is named."""
        now, exp = Decimal(self._now()), claims.get("exp", "")
        for name, right in (
            ("iss", claims.get("iss") == client.id),
            ("sub", claims.get("sub") == client.id),
            ("aud", claims.get("aud") in (self._audience, [self._audience])),
            (
                "exp",
                _is_number(exp) and 0 < exp - now + _LEEWAY_SECONDS <= MOST_SECONDS + 2 * _LEEWAY_SECONDS,
            ),
            ("iat", _is_past(claims.get("iat", 0), now)),
            ("nbf", _is_past(claims.get("nbf", 0), now)),
            ("jti", isinstance(claims.get("jti"), str) and 0 < len(claims["jti"]) <= _MOST_JTI),
        ):
            if not right:
                raise invalid_client(f"{name} of the assertion is missing or wrong{_HINTS.get(name, '')}")

    async def _use(self, claims: dict[str, Any], client: Client) -> None:
        """Of all processes that are shown an assertion one takes it."""
        key = f"jti/{client.id}/{token_digest(claims['jti'])}"
        until = int(claims["exp"]) + _LEEWAY_SECONDS + 2
        if not await self._records.swap(key, 0, {}, until):
            raise invalid_client("jti: the assertion was used before")


_HINTS = {
    "aud": ": it is the URL of the token endpoint",
    "exp": f": it is at most {MOST_SECONDS} seconds from now",
}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _is_past(value: Any, now: Decimal) -> bool:
    return _is_number(value) and value <= now + _LEEWAY_SECONDS
