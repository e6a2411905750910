"""Apps that register themselves, and look after their registration.

https://www.rfc-editor.org/rfc/rfc7591, https://www.rfc-editor.org/rfc/rfc7592
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from fhirserver.access.principals import token_digest
from fhirserver.access.smart.client_keys import Fetch
from fhirserver.access.smart.clients import (
    BASIC,
    CODE,
    KEYS,
    POST,
    REGISTRATION,
    Client,
    Clients,
    checked,
    wrong,
)
from fhirserver.access.smart.errors import OAuthError
from fhirserver.access.smart.keys import RS256
from fhirserver.access.smart.revocations import Revocations
from fhirserver.access.smart.scope_rules import asked_scopes
from fhirserver.access.smart.settings import OPEN, WITH_TOKEN, Addresses, Registration
from fhirserver.kernel.json import Json, JsonObject

_TEXTS = {
    "client_name": "name",
    "client_uri": "client_uri",
    "logo_uri": "logo_uri",
    "policy_uri": "policy_uri",
    "tos_uri": "tos_uri",
    "launch_uri": "launch_uri",
    "jwks_uri": "jwks_uri",
}
_OF_SERVER = frozenset(
    {
        "client_id",
        "client_secret",
        "client_secret_expires_at",
        "client_id_issued_at",
        "registration_access_token",
        "registration_client_uri",
    }
)


class Registrations:
    """Answers :rfc:`7591` and :rfc:`7592` requests. ``now``: seconds since 1970."""

    def __init__(
        self,
        rules: Registration,
        clients: Clients,
        revocations: Revocations,
        fetch: Fetch,
        addresses: Addresses,
        now: Callable[[], float] = time.time,
    ):
        self._rules, self._clients, self._revocations = rules, clients, revocations
        self._fetch, self._addresses, self._now = fetch, addresses, now

    @property
    def is_open(self) -> bool:
        """Whether anybody may register, be it with an initial access token."""
        return self._rules.mode in (OPEN, WITH_TOKEN)

    async def register(self, sent: Json, token: str) -> JsonObject:
        """Register an app; what it is told, with its secrets, which are said this once. Raises OAuthError."""
        self._check_allowed(token)
        id = secrets.token_urlsafe(18)
        management, secret = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        client = self._client(Client(id, "", "", made=int(self._now())), sent, secret)
        client = replace(client, management_digest=token_digest(management))
        await self._clients.add(client)
        told = self._told(client) | {"registration_access_token": management}
        return told | _secret_told(client, secret)

    async def read(self, id: str, token: str) -> JsonObject:
        """The registration of who has its token. Raises OAuthError."""
        return self._told(await self._managed(id, token))

    async def change(self, id: str, token: str, sent: Json) -> JsonObject:
        """Replace a registration by what is sent. A secret that is still needed stays. Raises OAuthError."""
        old = await self._managed(id, token)
        if not isinstance(sent, dict) or sent.get("client_id", id) != id:
            raise wrong("client_id", "is that of the registration")
        given = {name: value for name, value in sent.items() if name not in _OF_SERVER}
        secret = secrets.token_urlsafe(32)
        client = self._client(old, given, secret)
        if client.secret_digest and old.secret_digest:
            client, secret = replace(client, secret_digest=old.secret_digest), ""
        await self._clients.change(client)
        await self._revocations.revoke("client", id)
        told = self._told(client)
        return told | _secret_told(client, secret)

    async def remove(self, id: str, token: str) -> None:
        """Forget a registration, with all that was granted to it. Raises OAuthError."""
        client = await self._managed(id, token)
        await self._clients.remove(client.id)
        await self._revocations.revoke("client", client.id)

    def _check_allowed(self, token: str) -> None:
        if not self.is_open:
            raise OAuthError("access_denied", "Apps are registered by the operator of this server", 403)
        if self._rules.mode == WITH_TOKEN and token_digest(token) not in self._rules.tokens:
            raise OAuthError("invalid_token", "An initial access token is needed", 401)

    async def _managed(self, id: str, token: str) -> Client:
        client = await self._clients.find(id)
        digest = client.management_digest if client else ""
        if client is None or not digest or not hmac.compare_digest(digest, token_digest(token)):
            raise OAuthError(
                "invalid_token", "The registration access token is not the one of this client", 401
            )
        return client

    def _client(self, old: Client, sent: Json, secret: str) -> Client:
        """The client that metadata describe."""
        if not isinstance(sent, dict):
            raise wrong("the body", "is a JSON object")
        method = _text(sent, "token_endpoint_auth_method") or BASIC
        texts: dict[str, Any] = {ours: _text(sent, name) for name, ours in _TEXTS.items()}
        if texts["jwks_uri"] and (why := self._fetch.objection(texts["jwks_uri"])):
            raise wrong("jwks_uri", f"cannot be used: {why}")
        if _listed(sent, "response_types", ["code"]) != ["code"]:
            raise wrong("response_types", "is code alone")
        client = Client(
            old.id,
            texts.pop("name") or "An app without a name",
            self._rules.source,
            method,
            frozenset(_listed(sent, "grant_types", [CODE])),
            tuple(_listed(sent, "redirect_uris", [])),
            self._scopes(sent),
            token_digest(secret) if method in (BASIC, POST) else "",
            sent.get("jwks") if method == KEYS else None,
            **texts,
            contacts=tuple(_listed(sent, "contacts", [])),
            id_token_alg=_text(sent, "id_token_signed_response_alg") or RS256,
            made_by=REGISTRATION,
            made=old.made,
            management_digest=old.management_digest,
        )
        return checked(client)

    def _scopes(self, sent: JsonObject) -> str:
        """The scopes that are asked for, as far as they are given to who comes this way; all where none are."""
        most = asked_scopes(self._rules.scopes)
        wanted = _text(sent, "scope")
        kept = asked_scopes(wanted).within(most) if wanted else most
        if not kept:
            raise wrong("scope", f"is some of: {most}")
        return str(kept)

    def _told(self, client: Client) -> JsonObject:
        told: JsonObject = {
            "client_id": client.id,
            "client_id_issued_at": client.made,
            "client_name": client.name,
            "token_endpoint_auth_method": client.method,
            "grant_types": sorted(client.grant_types),
            "response_types": ["code"] if CODE in client.grant_types else [],
            "redirect_uris": list(client.redirect_uris),
            "scope": client.scopes,
            "id_token_signed_response_alg": client.id_token_alg,
            "registration_client_uri": f"{self._addresses.issuer}/auth/register/{client.id}",
        }
        if client.contacts:
            told["contacts"] = list(client.contacts)
        if client.jwks is not None:
            told["jwks"] = client.jwks
        more: dict[str, Any] = {name: getattr(client, ours) for name, ours in _TEXTS.items()}
        return told | {name: value for name, value in more.items() if value}


def _secret_told(client: Client, secret: str) -> JsonObject:
    """A secret is said when it is made, and never again."""
    shown = bool(client.secret_digest and secret)
    return {"client_secret": secret, "client_secret_expires_at": 0} if shown else {}


def _text(sent: JsonObject, name: str) -> str:
    value = sent.get(name, "")
    if not isinstance(value, str):
        raise wrong(name, "is a text")
    return value


def _listed(sent: JsonObject, name: str, otherwise: list[str]) -> list[str]:
    value = sent.get(name, otherwise)
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise wrong(name, "is a list of texts")
    return value
