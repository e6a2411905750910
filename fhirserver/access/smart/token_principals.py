"""Principals who come with an access token of this server, beside those of the settings.

Every request passes here, so what was verified is remembered until it expires; what was revoked is asked each time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from fhirserver.access.permissions import Permissions, permissions_of, with_user
from fhirserver.access.principals import Principal, Principals, token_digest
from fhirserver.access.rules import AccessRules
from fhirserver.access.smart.jwts import looks_like_jwt
from fhirserver.access.smart.revocations import Revocations
from fhirserver.access.smart.tokens import AccessToken, AccessTokens, InvalidToken
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.world.sources import Source

MOST_REMEMBERED = 4096


class _Remembered(NamedTuple):
    principal: Principal
    token: AccessToken


class TokenPrincipals(Principals):
    """``sources`` are those of the settings by id, ``registered`` the source of each client of the settings: what they
    say now counts, rather than what a token said when it was made. ``rules`` say what is confidential to whom.
    ``now``: seconds since 1970."""

    def __init__(
        self,
        principals: Principals,
        tokens: AccessTokens,
        revocations: Revocations,
        sources: Mapping[str, Source],
        registered: Mapping[str, str],
        rules: AccessRules | None = None,
        now: Callable[[], float] = time.time,
    ):
        super().__init__(())
        self._principals, self._tokens, self._revocations = principals, tokens, revocations
        self._sources, self._registered, self._now = sources, registered, now
        self._rules = rules or AccessRules()
        self._remembered: dict[str, _Remembered] = {}

    def authenticate(self, authorization: str | None) -> Principal:
        """The principal of an ``Authorization: Bearer`` header. Raises :class:`Refusal` (401)."""
        found = self._remembered.get(authorization or "")
        if found is None:
            found = self._verified(authorization or "")
            if found is None:
                return self._principals.authenticate(authorization)
        token = found.token
        if token.expires <= self._now():
            self._remembered.pop(authorization or "", None)
            raise _invalid("it has expired")
        if self._revocations.covers(token.issued, token.grant, token.client, token.subject):
            raise _invalid("it was revoked")
        return found.principal

    def _verified(self, authorization: str) -> _Remembered | None:
        """What a token of ours says; None for another kind of token."""
        scheme, _, text = authorization.partition(" ")
        text = text.strip()
        if scheme.lower() != "bearer" or not looks_like_jwt(text):
            return None
        if self._principals.of_digest(token_digest(text)) is not None:
            return None
        try:
            token = self._tokens.verify(text)
            found = _Remembered(self._principal(token), token)
        except InvalidToken as error:
            raise _invalid(str(error)) from None
        self._remember(authorization, found)
        return found

    def _principal(self, token: AccessToken) -> Principal:
        source = self._sources.get(self._registered.get(token.client, token.source))
        if source is None:
            raise InvalidToken("its client speaks as a source that is no more")
        permissions = permissions_of(token.scopes, token.patient, token.rights)
        if token.user and token.scopes.has("fhirUser"):
            permissions = with_user(permissions, token.user, token.patient)
        roles = _roles(permissions)
        shown = self._rules.applied(permissions, roles)
        return Principal(token.name, source, roles, shown, token.client, token.user, token.grant)

    def _remember(self, authorization: str, found: _Remembered) -> None:
        """Of too many the oldest are forgotten: they are verified again."""
        while len(self._remembered) >= MOST_REMEMBERED:
            del self._remembered[next(iter(self._remembered))]
        self._remembered[authorization] = found

    def of_digest(self, digest: str) -> Principal | None:
        return self._principals.of_digest(digest)


def _roles(permissions: Permissions) -> frozenset[str]:
    """What kinds of act are allowed at all. An app is no operator, whoever its user is."""
    letters = {letter for grant in permissions.grants for letter in grant.letters}
    kinds = {"read": "rs", "write": "cud"}
    return frozenset(role for role, of_role in kinds.items() if letters & set(of_role))


def _invalid(why: str) -> Refusal:
    """https://www.rfc-editor.org/rfc/rfc6750#section-3.1"""
    refusal = refuse(
        Category.UNAUTHENTICATED, "login", f"The access token is not accepted: {why}", "http.Authorization"
    )
    told = f'Bearer realm="credence", error="invalid_token", error_description="{why}"'
    refusal.headers["WWW-Authenticate"] = told
    return refusal
