"""What a token is worth, and how to end it. https://www.rfc-editor.org/rfc/rfc7662, https://www.rfc-editor.org/rfc/rfc7009

https://hl7.org/fhir/smart-app-launch/token-introspection.html
"""

from __future__ import annotations

from fhirserver.access.scopes import Scopes
from fhirserver.access.smart.clients import Client
from fhirserver.access.smart.grants import Grant, Grants
from fhirserver.access.smart.revocations import Revocations
from fhirserver.access.smart.settings import Addresses
from fhirserver.access.smart.tokens import AccessToken, AccessTokens, InvalidToken
from fhirserver.kernel.json import JsonObject

_INACTIVE: JsonObject = {"active": False}


class Introspection:
    """Tells of tokens, and revokes them."""

    def __init__(
        self,
        tokens: AccessTokens,
        grants: Grants,
        revocations: Revocations,
        addresses: Addresses,
        style_url: str = "",
    ):
        """``style_url`` is told to apps with their tokens, and so here."""
        self._tokens, self._grants, self._revocations = tokens, grants, revocations
        self._addresses, self._style_url = addresses, style_url

    async def introspect(self, token: str, client: Client | None = None) -> JsonObject:
        """What a token is worth now. ``client`` asks, and is told of its own tokens, or of all where it may
        introspect; None: an operator asks, who is told of all."""
        verified = self._verified(token)
        if verified is not None:
            hidden = client is not None and not client.introspects and client.id != verified.client
            grant = await self._grants.find(verified.grant)
            return _INACTIVE if hidden or await self._is_revoked(verified) else self._told(verified, grant)
        grant = await self._grants.of_token(token)
        if grant is None or (client is not None and not client.introspects and client.id != grant.client):
            return _INACTIVE
        return self._told_of_refresh(grant)

    async def revoke(self, token: str, client: Client) -> str:
        """End the grant of a token, whichever of its tokens it is; its id. What is none, or another client's, is passed
        over (an empty id): the one who asks learns nothing of it."""
        verified = self._verified(token)
        if verified is not None:
            return await self._end(verified.grant, verified.client == client.id)
        grant = await self._grants.find(self._grants.of_any_token(token))
        return await self._end(grant.id, grant.client == client.id) if grant else ""

    async def _end(self, id: str, allowed: bool) -> str:
        if not allowed:
            return ""
        await self._grants.end(id)
        return id

    def _verified(self, token: str) -> AccessToken | None:
        try:
            return self._tokens.verify(token)
        except InvalidToken:
            return None

    async def _is_revoked(self, token: AccessToken) -> bool:
        if self._revocations.covers(token.issued, token.grant, token.client, token.subject):
            return True
        return await self._revocations.is_revoked("grant", token.grant)

    def _told(self, token: AccessToken, grant: Grant | None) -> JsonObject:
        told: JsonObject = {
            "active": True,
            "token_type": "Bearer",
            "scope": token.spelled,
            "client_id": token.client,
            "sub": token.subject,
            "iss": self._addresses.issuer,
            "aud": self._addresses.fhir,
            "iat": token.issued,
            "exp": token.expires,
            "jti": token.id,
        }
        if token.patient:
            told["patient"] = token.patient
        return told | self._context(token.scopes, token.user, grant)

    def _context(self, scopes: Scopes, user: str, grant: Grant | None) -> JsonObject:
        """What the client was told with the token beside its scopes."""
        told: JsonObject = dict(grant.context) if grant else {}
        if grant and grant.login and self._style_url:
            told["smart_style_url"] = self._style_url
        if grant and grant.login:
            told["username"] = grant.login
        if grant and grant.encounter:
            told["encounter"] = grant.encounter
        if user and scopes.has("fhirUser"):
            told["fhirUser"] = f"{self._addresses.fhir}/{user}"
        return told

    def _told_of_refresh(self, grant: Grant) -> JsonObject:
        return {
            "active": True,
            "token_type": "refresh_token",
            "scope": grant.scope,
            "client_id": grant.client,
            "sub": grant.subject,
            "iss": self._addresses.issuer,
        }
