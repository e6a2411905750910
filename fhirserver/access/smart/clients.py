"""Clients: the apps and services that may ask for tokens. https://www.rfc-editor.org/rfc/rfc7591#section-2"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final
from urllib.parse import urlsplit

from fhirserver.access.principals import token_digest
from fhirserver.access.scopes import InvalidScope, Scopes, parse_scopes
from fhirserver.access.smart.client_jwks import InvalidJwks, check_jwks
from fhirserver.access.smart.errors import OAuthError
from fhirserver.access.smart.keys import ALGORITHMS, RS256
from fhirserver.access.smart.redirects import origin_of, redirect_problem
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.access_records import AccessRecord, AccessRecords

PUBLIC: Final = "none"
BASIC: Final = "client_secret_basic"
POST: Final = "client_secret_post"
KEYS: Final = "private_key_jwt"
METHODS: Final = (PUBLIC, BASIC, POST, KEYS)
CODE: Final = "authorization_code"
REFRESH: Final = "refresh_token"
CREDENTIALS: Final = "client_credentials"
GRANT_TYPES: Final = (CODE, REFRESH, CREDENTIALS)
SETTINGS: Final = "settings"
OPERATOR: Final = "operator"
REGISTRATION: Final = "registration"

_PREFIX: Final = "client/"
_ID: Final = re.compile(r"[A-Za-z0-9._~-]{1,200}\Z")
_MOST_REDIRECTS: Final = 20
_LONGEST_NAME: Final = 200
_PATIENCE: Final = 20
_PAGE: Final = 500
_ADDRESSES: Final = ("client_uri", "logo_uri", "policy_uri", "tos_uri", "launch_uri")


@dataclass(frozen=True, slots=True)
class Client:
    """One client. ``method`` is how it proves who it is, ``scopes`` the most that it may be granted, ``source`` the id
    of the source of the settings as which it writes. ``made_by``: ``settings``, ``operator`` or ``registration``.

    ``consent``: whether users are asked before they let it in. ``launches``: whether it may make launch contexts;
    ``introspects``: whether it may ask what tokens of others are worth.
    """

    id: str
    name: str
    source: str
    method: str = PUBLIC
    grant_types: frozenset[str] = frozenset({CODE, REFRESH})
    redirect_uris: tuple[str, ...] = ()
    scopes: str = ""
    secret_digest: str = ""
    jwks: JsonObject | None = None
    jwks_uri: str = ""
    client_uri: str = ""
    logo_uri: str = ""
    policy_uri: str = ""
    tos_uri: str = ""
    launch_uri: str = ""
    contacts: tuple[str, ...] = ()
    id_token_alg: str = RS256
    consent: bool = True
    launches: bool = False
    introspects: bool = False
    made_by: str = SETTINGS
    made: int = 0
    management_digest: str = ""
    """Of the token with which who registered it may change it (:rfc:`7592`)."""

    @property
    def registered(self) -> Scopes:
        """The most that it may be granted."""
        return parse_scopes(self.scopes)

    @property
    def is_confidential(self) -> bool:
        return self.method != PUBLIC

    @property
    def origins(self) -> frozenset[str]:
        """Where its pages come from, as browsers say it."""
        return frozenset(origin for uri in self.redirect_uris if (origin := origin_of(uri)))

    def has_secret(self, secret: str) -> bool:
        """Whether this is its secret."""
        return bool(self.secret_digest) and hmac.compare_digest(self.secret_digest, token_digest(secret))

    def as_json(self) -> JsonObject:
        """How it is kept."""
        return {one.name: _plain(getattr(self, one.name)) for one in fields(self) if one.name != "id"}


def client_of_json(id: str, kept: JsonObject) -> Client:
    """The client that was kept; members that are not known any more are passed over."""
    given: dict[str, Any] = {one.name: kept[one.name] for one in fields(Client) if one.name in kept}
    for name, kind in (("grant_types", frozenset), ("redirect_uris", tuple), ("contacts", tuple)):
        if name in given:
            given[name] = kind(given[name])
    return Client(**{**given, "id": id})


def _plain(value: Any) -> Any:
    return (
        sorted(value) if isinstance(value, frozenset) else list(value) if isinstance(value, tuple) else value
    )


def checked(client: Client) -> Client:
    """The client, where it can be one. Raises OAuthError: ``invalid_redirect_uri`` or ``invalid_client_metadata``."""
    if not _ID.match(client.id):
        raise wrong("client_id", "has 1 to 200 letters, digits and . _ ~ -")
    if not client.name.strip() or len(client.name) > _LONGEST_NAME or not client.name.isprintable():
        raise wrong("client_name", f"has 1 to {_LONGEST_NAME} characters")
    _check_method(client)
    _check_grants(client)
    _check_redirects(client)
    _check_scopes(client)
    for name in _ADDRESSES:
        _check_address(name, getattr(client, name))
    if client.id_token_alg not in ALGORITHMS:
        raise wrong("id_token_signed_response_alg", f"is one of {', '.join(ALGORITHMS)}")
    return client


def wrong(member: str, problem: str) -> OAuthError:
    """One member of a registration is not what it must be."""
    return OAuthError("invalid_client_metadata", f"{member} {problem}")


def _check_method(client: Client) -> None:
    if client.method not in METHODS:
        raise wrong("token_endpoint_auth_method", f"is one of {', '.join(METHODS)}")
    if (client.method in (BASIC, POST)) != bool(client.secret_digest):
        raise wrong("client_secret", f"goes with {BASIC} and {POST}")
    has_keys = client.jwks is not None or bool(client.jwks_uri)
    if (client.method == KEYS) != has_keys:
        raise wrong("jwks or jwks_uri", f"goes with {KEYS}")
    if client.jwks is not None and client.jwks_uri:
        raise wrong("jwks", "and jwks_uri exclude each other")
    if client.jwks is not None:
        try:
            check_jwks(client.jwks)
        except InvalidJwks as error:
            raise wrong("jwks", str(error)) from None


def _check_grants(client: Client) -> None:
    if not client.grant_types or client.grant_types - set(GRANT_TYPES):
        raise wrong("grant_types", f"are some of {', '.join(GRANT_TYPES)}")
    if CREDENTIALS in client.grant_types and client.method != KEYS:
        raise wrong("grant_types", f"{CREDENTIALS} needs {KEYS}")
    if REFRESH in client.grant_types and CODE not in client.grant_types:
        raise wrong("grant_types", f"{REFRESH} needs {CODE}")


def _check_redirects(client: Client) -> None:
    if (CODE in client.grant_types) != bool(client.redirect_uris):
        raise OAuthError("invalid_redirect_uri", f"redirect_uris go with {CODE}")
    if len(client.redirect_uris) > _MOST_REDIRECTS:
        raise OAuthError("invalid_redirect_uri", f"there may be {_MOST_REDIRECTS} redirect_uris")
    for uri in client.redirect_uris:
        problem = redirect_problem(uri)
        if problem:
            raise OAuthError("invalid_redirect_uri", f"{uri[:200]}: {problem}")


def _check_scopes(client: Client) -> None:
    try:
        scopes = client.registered
    except InvalidScope as error:
        raise wrong("scope", str(error)) from None
    if not scopes:
        raise wrong("scope", "names at least one scope that there is")
    if CREDENTIALS not in client.grant_types and any(one.level == "system" for one in scopes.access):
        raise wrong("scope", f"system/ goes with {CREDENTIALS}")


def _check_address(name: str, address: str) -> None:
    if address and (redirect_problem(address) or urlsplit(address).scheme not in ("http", "https")):
        raise wrong(name, "is an https URL")


class Clients:
    """All clients: those of the settings, and those that were added since."""

    def __init__(self, records: AccessRecords, fixed: Iterable[Client] = ()):
        self._records = records
        self.fixed = {client.id: client for client in fixed}

    async def find(self, id: str) -> Client | None:
        """The client of this id."""
        if id in self.fixed or not _ID.match(id):
            return self.fixed.get(id)
        kept = await self._records.read(_PREFIX + id)
        return _client(kept) if kept else None

    async def added(self) -> Sequence[Client]:
        """Those that are not of the settings, by id."""
        found: list[Client] = []
        after = ""
        while page := await self._records.find(_PREFIX, after, _PAGE):
            found += map(_client, page)
            after = page[-1].key
        return found

    async def all(self) -> Sequence[Client]:
        """Those of the settings first."""
        return [*self.fixed.values(), *(one for one in await self.added() if one.id not in self.fixed)]

    async def add(self, client: Client) -> bool:
        """Keep a new client; False where there is one of that id."""
        if client.id in self.fixed:
            return False
        return await self._records.swap(_PREFIX + client.id, 0, client.as_json())

    async def change(self, client: Client) -> bool:
        """Keep what a client is now; False where there is none that was added."""
        for _ in range(_PATIENCE):
            kept = await self._records.read(_PREFIX + client.id)
            if kept is None:
                return False
            if await self._records.swap(kept.key, kept.revision, client.as_json()):
                return True
        return False

    async def remove(self, id: str) -> bool:
        """Forget a client; False where there is none that was added."""
        for _ in range(_PATIENCE):
            kept = await self._records.read(_PREFIX + id) if _ID.match(id) else None
            if kept is None:
                return False
            if await self._records.remove(kept.key, kept.revision):
                return True
        return False


def _client(kept: AccessRecord) -> Client:
    return client_of_json(kept.key.removeprefix(_PREFIX), kept.value)


def with_secret(client: Client, secret: str) -> Client:
    """The client with this secret, of which only the digest is kept."""
    return replace(client, secret_digest=token_digest(secret))
