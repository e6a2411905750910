"""Who the user of an app is, as far as the app may know. https://openid.net/specs/openid-connect-core-1_0.html#UserInfo"""

from __future__ import annotations

from typing import NamedTuple

from fhirserver.access.smart.errors import OAuthError
from fhirserver.access.smart.grants import Grant, Grants
from fhirserver.access.smart.revocations import Revocations
from fhirserver.access.smart.settings import Addresses
from fhirserver.access.smart.tokens import AccessToken, AccessTokens, InvalidToken, user_claims
from fhirserver.kernel.json import JsonObject


class UserTold(NamedTuple):
    """What a client is told of a user, by which grant, for which scopes."""

    claims: JsonObject
    grant: Grant
    scope: str


class UserInfo:
    """Tells what ID tokens tell, to who has an access token with the scope ``openid``."""

    def __init__(self, tokens: AccessTokens, grants: Grants, revocations: Revocations, addresses: Addresses):
        self._tokens, self._grants, self._revocations = tokens, grants, revocations
        self._addresses = addresses

    async def of(self, token: str) -> UserTold:
        """The user of an access token. Raises OAuthError: ``invalid_token`` (401), ``insufficient_scope`` (403)."""
        found = self._verified(token)
        if self._revocations.covers(found.issued, found.grant, found.client, found.subject):
            raise _invalid("it was revoked")
        if not found.scopes.has("openid"):
            raise OAuthError(
                "insufficient_scope", "The access token was granted without the scope openid", 403
            )
        grant = await self._grants.find(found.grant)  # a grant that another process ended is not there
        if grant is None:
            raise _invalid("it was revoked")
        claims = {"sub": grant.subject} | user_claims(grant, found.scopes, self._addresses)
        return UserTold(claims, grant, str(found.scopes))

    def _verified(self, token: str) -> AccessToken:
        try:
            return self._tokens.verify(token)
        except InvalidToken as error:
            raise _invalid(str(error)) from None


def _invalid(why: str) -> OAuthError:
    return OAuthError("invalid_token", f"The access token is not accepted: {why}", 401)
