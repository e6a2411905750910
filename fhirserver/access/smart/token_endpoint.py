"""The token endpoint: codes, refresh tokens and backend services' assertions against access tokens.

https://hl7.org/fhir/smart-app-launch/app-launch.html#obtain-access-token,
https://hl7.org/fhir/smart-app-launch/backend-services.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from fhirserver.access.scopes import Scopes
from fhirserver.access.smart.client_authentication import ClientAuthentication
from fhirserver.access.smart.clients import CODE, GRANT_TYPES, REFRESH, Client
from fhirserver.access.smart.codes import Codes
from fhirserver.access.smart.errors import OAuthError, invalid_grant, invalid_request, unauthorized_client
from fhirserver.access.smart.grants import Grant, Grants
from fhirserver.access.smart.scope_rules import (
    asked_scopes,
    for_system,
    narrowed,
    spelled,
    wants_refresh,
)
from fhirserver.access.smart.tokens import AccessTokens, IdTokens
from fhirserver.kernel.json import JsonObject

_NAMING = frozenset({"client_id", "client_secret", "client_assertion"})
"""Parameters by which a client says which it is."""


class Issued(NamedTuple):
    """What was issued: for which grant, and what the client is told."""

    grant: Grant
    told: JsonObject


class TokenEndpoint:
    """Answers token requests. ``style_url`` is told to apps that show themselves within an EHR."""

    def __init__(
        self,
        authentication: ClientAuthentication,
        codes: Codes,
        grants: Grants,
        tokens: AccessTokens,
        id_tokens: IdTokens,
        style_url: str = "",
    ):
        self._authentication, self._codes, self._grants = authentication, codes, grants
        self._tokens, self._id_tokens, self._style_url = tokens, id_tokens, style_url

    async def issue(self, authorization: str, form: Mapping[str, str]) -> Issued:
        """Answer a form. ``authorization`` is the header, empty where there is none. Raises OAuthError."""
        kind = form.get("grant_type", "")
        if not kind:
            raise invalid_request("grant_type is needed")
        if kind not in GRANT_TYPES:
            raise OAuthError("unsupported_grant_type", f"grant_type is one of {', '.join(GRANT_TYPES)}")
        client = await self._client(authorization, form)
        if kind not in client.grant_types:
            raise unauthorized_client(f"The client is not registered for {kind}")
        if kind == CODE:
            return await self._by_code(client, form)
        if kind == REFRESH:
            return await self._by_refresh(client, form)
        return await self._by_credentials(client, form)

    async def _client(self, authorization: str, form: Mapping[str, str]) -> Client:
        """Who asks. A public app need not say so where it refreshes: the token is its own, and there is nothing to
        prove. https://www.rfc-editor.org/rfc/rfc6749#section-6"""
        token = form.get("refresh_token", "")
        if form.get("grant_type") != REFRESH or not token or authorization or form.keys() & _NAMING:
            return await self._authentication.client(authorization, form)
        grant = await self._grants.find(self._grants.of_any_token(token))
        if grant is None or not await self._authentication.is_known(grant.client):
            raise invalid_grant("The refresh token is not known, or holds no more")
        return await self._authentication.public(grant.client)

    async def _by_code(self, client: Client, form: Mapping[str, str]) -> Issued:
        grant = await self._codes.redeem(
            form.get("code", ""), client.id, form.get("redirect_uri", ""), form.get("code_verifier", "")
        )
        refreshing = wants_refresh(grant.scopes) and REFRESH in client.grant_types
        refresh = await self._grants.put(grant, refreshing)
        told = await self._told(grant, grant.scopes)
        if grant.scopes.has("openid"):
            told["id_token"] = await self._id_tokens.issue(
                grant, grant.scopes, client.id_token_alg, told["access_token"]
            )
        return Issued(grant, told | ({"refresh_token": refresh} if refresh else {}))

    async def _by_refresh(self, client: Client, form: Mapping[str, str]) -> Issued:
        token = form.get("refresh_token", "")
        if not token:
            raise invalid_request("refresh_token is needed")
        known = await self._grants.of_token(token)
        if known is not None and known.client == client.id:
            narrowed(form.get("scope", ""), known.scopes)  # refused before the token is used up
        grant, refresh = await self._grants.refresh(token, client.id)
        scopes = narrowed(form.get("scope", ""), grant.scopes).within(client.registered)
        return Issued(grant, await self._told(grant, scopes) | {"refresh_token": refresh})

    async def _by_credentials(self, client: Client, form: Mapping[str, str]) -> Issued:
        if not form.get("scope"):
            raise invalid_request("scope is needed")
        scopes = for_system(asked_scopes(form["scope"]), client.registered)
        grant = Grant(client.id, client.source, str(scopes), asked=form["scope"])
        return Issued(grant, await self._told(grant, scopes))

    async def _told(self, grant: Grant, scopes: Scopes) -> JsonObject:
        token, seconds = await self._tokens.issue(grant, scopes)
        told: JsonObject = {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": seconds,
            "scope": spelled(scopes, grant.asked),
        }
        told |= grant.context
        told |= {name: value for name in ("patient", "encounter") if (value := getattr(grant, name))}
        if self._style_url and grant.login:
            told["smart_style_url"] = self._style_url
        return told
