"""Principals who come with an access token of this server, beside those of the settings.

Every request passes here, so what was verified is remembered until it expires; what was revoked is asked each time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from fhirserver.access.permissions import Permissions, Rights, permissions_of, with_user
from fhirserver.access.principals import Principal, Principals, token_digest
from fhirserver.access.rules import AccessRules
from fhirserver.access.scopes import Scopes
from fhirserver.access.smart.jwts import looks_like_jwt
from fhirserver.access.smart.revocations import Revocations
from fhirserver.access.smart.tokens import AccessToken, AccessTokens, InvalidToken
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.world.sources import Source

MOST_REMEMBERED = 4096


class Acting(Protocol):
    """What an app acts by: a token, or the authorization that outlives it."""

    @property
    def client(self) -> str: ...

    @property
    def name(self) -> str:
        """Who asks, in a word."""
        ...

    @property
    def source(self) -> str: ...

    @property
    def scopes(self) -> Scopes: ...

    @property
    def patient(self) -> str: ...

    @property
    def rights(self) -> Rights: ...

    @property
    def user(self) -> str: ...

    @property
    def grant(self) -> str: ...


class _Remembered(NamedTuple):
    principal: Principal
    token: AccessToken


@dataclass(frozen=True)
class Apps:
    """What apps are to the interactions. ``sources`` are those of the settings by id, ``registered`` the source of each
    client of the settings: what they say now counts, rather than what was said when a token was made. ``rules`` say
    what is confidential to whom."""

    sources: Mapping[str, Source]
    registered: Mapping[str, str] = field(default_factory=dict)
    rules: AccessRules = field(default_factory=AccessRules)

    def principal(self, acting: Acting) -> Principal | None:
        """The principal of an app; None where its source is no more."""
        source = self.sources.get(self.registered.get(acting.client, acting.source))
        if source is None:
            return None
        permissions = permissions_of(acting.scopes, acting.patient, acting.rights)
        if acting.user and acting.scopes.has("fhirUser"):
            permissions = with_user(permissions, acting.user, acting.patient)
        roles = _roles(permissions)
        shown = self.rules.applied(permissions, roles)
        scope = " ".join(map(str, acting.scopes.access))
        return Principal(acting.name, source, roles, shown, acting.client, acting.user, acting.grant, scope)


class TokenPrincipals(Principals):
    """``sources``, ``registered`` and ``rules`` are those of :class:`Apps`. ``now``: seconds since 1970."""

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
        self.apps, self._now = Apps(sources, registered, rules or AccessRules()), now
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
        principal = self.apps.principal(token)
        if principal is None:
            raise InvalidToken("its client speaks as a source that is no more")
        return principal

    def _remember(self, authorization: str, found: _Remembered) -> None:
        """Of too many the oldest are forgotten: they are verified again."""
        while len(self._remembered) >= MOST_REMEMBERED:
            del self._remembered[next(iter(self._remembered))]
        self._remembered[authorization] = found

    def of_digest(self, digest: str) -> Principal | None:
        return self._principals.of_digest(digest)

    async def learn(self, authorization: str | None) -> bool:
        return await self._principals.learn(authorization)

    async def learn_name(self, name: str) -> bool:
        return await self._principals.learn_name(name)


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
