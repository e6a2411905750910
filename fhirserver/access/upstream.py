"""Signing in at an OpenID provider: what is remembered while the person is there, and who they are when they come back.

Whoever comes back must be the browser that went: what is asked with (nonce, verifier) is derived from a secret in its
cookie, and never kept. https://www.rfc-editor.org/rfc/rfc9700#section-2.1
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Final

from fhirserver.access.users import SignInRefused, User, Users
from fhirserver.kernel.instants import Clock
from fhirserver.kernel.json import Json, JsonObject
from fhirserver.ports.access_records import AccessRecords
from fhirserver.ports.identity_provider import Answer, Ask, IdentityProvider, ProviderRefused

AWAY_SECONDS: Final = 600
"""How long somebody may be at the provider."""
_PREFIX: Final = "openid/"
_MOST_OF_A_NAME: Final = 200


@dataclass(frozen=True, slots=True)
class RoleRule:
    """Who has ``value`` among the values of the claim has these roles, and speaks as this source."""

    value: str
    roles: frozenset[str]
    source: str = ""


@dataclass(frozen=True, slots=True)
class ClaimRules:
    """What the provider's claims mean here. Who has neither a role nor a ``fhirUser`` by them is not let in.

    ``fhir_user``: the claim with a reference such as ``Practitioner/2``; empty: no claim is believed about that.
    """

    fhir_base: str
    roles_claim: str = "groups"
    rules: tuple[RoleRule, ...] = ()
    fhir_user: str = ""
    name: str = "name"

    def user(self, issuer: str, claims: JsonObject) -> User:
        """Who somebody with these claims is. Raises SignInRefused for somebody who is nobody here."""
        has = [rule for rule in self.rules if rule.value in _texts(claims.get(self.roles_claim))]
        fhir_user = self._fhir_user(claims)
        if not has and not fhir_user:
            raise SignInRefused
        subject = str(claims["sub"])
        return User(
            login=upstream_login(issuer, subject),
            name=_name(claims.get(self.name)) or upstream_login(issuer, subject),
            roles=frozenset[str]().union(*(rule.roles for rule in has)),
            fhir_user=fhir_user,
            source=next((rule.source for rule in has if rule.source), ""),
            upstream=issuer,
        )

    def _fhir_user(self, claims: JsonObject) -> str:
        """The reference of the claim: relative, or absolute on this server."""
        said = claims.get(self.fhir_user) if self.fhir_user else None
        return said.removeprefix(f"{self.fhir_base}/") if isinstance(said, str) else ""


def upstream_login(issuer: str, subject: str) -> str:
    """The login of a person at a provider. No local user can have it, and it tells nothing of the person."""
    return "openid:" + hashlib.sha256(f"{issuer}\x1f{subject}".encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Departure:
    """Where the browser is sent, and the secret that its cookie must hold when it comes back."""

    address: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Return:
    """With what a browser came back: its cookie's secret, and the parameters of the address."""

    secret: str = field(repr=False)
    state: str
    code: str = field(repr=False)
    issuer: str = ""
    error: str = ""


class Upstream:
    """People who sign in at one provider. ``label``: what it is called on the sign-in pages."""

    def __init__(
        self,
        provider: IdentityProvider,
        rules: ClaimRules,
        users: Users,
        records: AccessRecords,
        clock: Clock,
        label: str,
    ):
        self._provider, self._rules, self._users = provider, rules, users
        self._records, self._clock, self.label = records, clock, label

    async def depart(self, redirect_uri: str, next: str) -> Departure:
        """Send somebody to the provider, who will be sent to ``redirect_uri`` and then go to ``next``.

        Raises ProviderError.
        """
        state, secret = secrets.token_urlsafe(24), secrets.token_urlsafe(32)
        challenge = _text(hashlib.sha256(_derived(secret, "verifier", state).encode()).digest())
        ask = Ask(redirect_uri, state, _derived(secret, "nonce", state), challenge)
        address = await self._provider.address(ask)
        kept = {"redirect_uri": redirect_uri, "next": next, "secret": _digest(secret)}
        expires = int(self._clock.now().timestamp()) + AWAY_SECONDS
        await self._records.swap(_PREFIX + _digest(state), 0, kept, expires)
        return Departure(address, secret)

    async def wanted(self, state: str) -> str:
        """Where whoever was sent there with this state wants to go; empty where nobody was."""
        kept = await self._records.read(_PREFIX + _digest(state))
        return str(kept.value["next"]) if kept else ""

    async def arrive(self, redirect_uri: str, came: Return) -> tuple[User, str]:
        """Who came back to this address, and where they wanted to go. Raises ProviderError and SignInRefused."""
        kept = await self._records.read(_PREFIX + _digest(came.state))
        if kept is None or not await self._records.remove(kept.key, kept.revision):
            raise ProviderRefused("nobody was sent there with this state, or it was long ago")
        if not hmac.compare_digest(kept.value["secret"], _digest(came.secret)):
            raise ProviderRefused("another browser was sent there")
        if kept.value["redirect_uri"] != redirect_uri:
            raise ProviderRefused("it was from another page of this server")
        if came.error or not came.code:
            raise ProviderRefused("the provider did not let the person in")
        nonce, verifier = (_derived(came.secret, what, came.state) for what in ("nonce", "verifier"))
        claims = await self._provider.claims(Answer(came.code, came.issuer, redirect_uri, nonce, verifier))
        user = self._rules.user(self._provider.issuer, claims)
        return await self._users.signed_in_upstream(user), kept.value["next"]

    async def close(self) -> None:
        await self._provider.close()


def _texts(value: Json) -> list[str]:
    if isinstance(value, str):
        return value.split()
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _name(value: Json) -> str:
    """A name as pages show it; empty for what is none."""
    text = " ".join(value.split()) if isinstance(value, str) else ""
    return text[:_MOST_OF_A_NAME] if text.isprintable() else ""


def _derived(secret: str, what: str, state: str) -> str:
    return _text(hmac.digest(secret.encode("utf-8", "replace"), f"{what} {state}".encode(), hashlib.sha256))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")
