"""The authorization server put together: what its endpoints work with."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from fhirserver.access.server_key import ServerKey
from fhirserver.access.smart.assertions import Assertions
from fhirserver.access.smart.authorizations import Authorizations, World
from fhirserver.access.smart.client_authentication import ClientAuthentication
from fhirserver.access.smart.client_keys import ClientKeys, Fetch, NoFetch
from fhirserver.access.smart.clients import Client, Clients
from fhirserver.access.smart.codes import Codes
from fhirserver.access.smart.grants import Grants
from fhirserver.access.smart.introspection import Introspection
from fhirserver.access.smart.keys import KeyRing
from fhirserver.access.smart.launches import Launches
from fhirserver.access.smart.people import People
from fhirserver.access.smart.registration import Registrations
from fhirserver.access.smart.revocations import Revocations
from fhirserver.access.smart.settings import AuthorizationSettings
from fhirserver.access.smart.token_endpoint import TokenEndpoint
from fhirserver.access.smart.tokens import AccessTokens, IdTokens
from fhirserver.access.smart.userinfo import UserInfo
from fhirserver.ports.access_records import AccessRecords


@dataclass(frozen=True)
class AuthorizationServer:
    """One for each process; what they share lies in the access records and the folder of keys."""

    settings: AuthorizationSettings
    records: AccessRecords
    ring: KeyRing
    clients: Clients
    authentication: ClientAuthentication
    launches: Launches
    authorizations: Authorizations
    grants: Grants
    tokens: AccessTokens
    endpoint: TokenEndpoint
    introspection: Introspection
    userinfo: UserInfo
    registrations: Registrations
    revocations: Revocations
    world: World


def authorization_server(
    settings: AuthorizationSettings,
    records: AccessRecords,
    ring: KeyRing,
    key: ServerKey,
    people: People,
    world: World,
    fixed: Iterable[Client] = (),
    fetch: Fetch | None = None,
    now: Callable[[], float] = time.time,
) -> AuthorizationServer:
    """Put it together. ``fixed`` are the clients of the settings; ``now``: seconds since 1970."""
    addresses, lifetimes, fetch = settings.addresses, settings.lifetimes, fetch or NoFetch()
    clients, revocations = Clients(records, fixed), Revocations(records, now)
    assertions = Assertions(clients, ClientKeys(fetch), records, addresses.token, now)
    authentication = ClientAuthentication(clients, assertions)
    grants = Grants(records, revocations, people, key, lifetimes, now)
    codes = Codes(records, grants, lifetimes.code, now)
    launches = Launches(records, lifetimes.launch, now)
    tokens, id_tokens = (
        AccessTokens(ring, addresses, lifetimes, now),
        IdTokens(ring, addresses, lifetimes, now),
    )
    return AuthorizationServer(
        settings,
        records,
        ring,
        clients,
        authentication,
        launches,
        Authorizations(records, clients, launches, codes, addresses, lifetimes, world, now),
        grants,
        tokens,
        TokenEndpoint(authentication, codes, grants, tokens, id_tokens, settings.style_url),
        Introspection(tokens, grants, revocations, addresses, settings.style_url),
        UserInfo(tokens, grants, revocations, addresses),
        Registrations(settings.registration, clients, revocations, fetch, addresses, now),
        revocations,
        world,
    )
