"""An OpenID provider, of which this server is a client: the authorization code flow with PKCE, state and nonce.

https://openid.net/specs/openid-connect-core-1_0.html#CodeFlowAuth, https://www.rfc-editor.org/rfc/rfc7636,
https://www.rfc-editor.org/rfc/rfc9207
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import httpx

from adapters.openid.exchange import SECONDS, JsonExchange
from adapters.openid.id_token import verified
from adapters.openid.metadata import ProviderMetadata
from fhirserver.kernel.instants import Clock, SystemClock
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.identity_provider import Answer, Ask, ProviderRefused

_TOKENS: Final = "the provider's token endpoint"


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """``secret`` empty: a public client. ``ca_file``: certificates (PEM) to be trusted beside the usual ones."""

    issuer: str
    client_id: str
    secret: str = field(default="", repr=False)
    scope: str = "openid profile"
    ca_file: Path | None = None
    seconds: float = SECONDS


class OpenIdProvider:
    """See :class:`fhirserver.ports.identity_provider.IdentityProvider`."""

    def __init__(
        self,
        settings: ProviderSettings,
        *,
        clock: Clock | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ):
        self._settings, self._clock = settings, clock or SystemClock()
        self._http = httpx.AsyncClient(
            verify=_context(settings.ca_file),
            timeout=settings.seconds,
            trust_env=False,
            follow_redirects=False,
        )
        self._exchange = JsonExchange(self._http, settings.seconds)
        self._metadata = ProviderMetadata(self._exchange, settings.issuer, monotonic)

    @property
    def issuer(self) -> str:
        return self._settings.issuer

    async def address(self, ask: Ask) -> str:
        """See the port."""
        endpoint = urlsplit((await self._metadata.metadata()).authorization_endpoint)
        query = {
            **dict(parse_qsl(endpoint.query)),
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": ask.redirect_uri,
            "scope": self._settings.scope,
            "state": ask.state,
            "nonce": ask.nonce,
            "code_challenge": ask.challenge,
            "code_challenge_method": "S256",
        }
        return urlunsplit(endpoint._replace(query=urlencode(query), fragment=""))

    async def claims(self, answer: Answer) -> JsonObject:
        """See the port."""
        metadata = await self._metadata.metadata()
        if answer.issuer != self._settings.issuer and (answer.issuer or metadata.names_issuer):
            raise ProviderRefused("the answer is that of another issuer")
        tokens = await self._tokens(answer, metadata.token_endpoint, metadata.basic)
        token = tokens.get("id_token")
        if not isinstance(token, str):
            raise ProviderRefused("there is no ID token in the provider's answer")
        expected = (self._settings.issuer, self._settings.client_id, answer.nonce)
        return await verified(token, self._metadata.key, *expected, now=self._clock.now().timestamp())

    async def close(self) -> None:
        await self._http.aclose()

    async def _tokens(self, answer: Answer, url: str, basic: bool) -> JsonObject:
        """https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3"""
        client, secret = self._settings.client_id, self._settings.secret
        form = {
            "grant_type": "authorization_code",
            "code": answer.code,
            "redirect_uri": answer.redirect_uri,
            "code_verifier": answer.verifier,
        }
        if secret and basic:
            return await self._exchange.post(url, form, _TOKENS, (client, secret))
        form |= {"client_id": client, **({"client_secret": secret} if secret else {})}
        return await self._exchange.post(url, form, _TOKENS, None)


def _context(ca_file: Path | None) -> ssl.SSLContext:
    made = httpx.create_ssl_context(trust_env=False)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file is not None:
        made.load_verify_locations(ca_file)
    return made
