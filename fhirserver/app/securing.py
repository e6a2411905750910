"""The authorization server put together: where its records and keys are, who signs in, what runs beside it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from typing import Any

from starlette.routing import BaseRoute

from fhirserver.access.audit.event import Audit
from fhirserver.access.key_principals import KeyOwners, KeyPrincipals
from fhirserver.access.owners import NamedOwners, Owners
from fhirserver.access.platform_keys import PlatformKeys
from fhirserver.access.principals import Principals
from fhirserver.access.server_key import ServerKey
from fhirserver.access.smart.app_origins import AppOrigins
from fhirserver.access.smart.app_owners import AppOwners
from fhirserver.access.smart.key_files import KeyFiles
from fhirserver.access.smart.keys import KeyRing, MemoryKeys
from fhirserver.access.smart.metadata import rest_security
from fhirserver.access.smart.people import Nobody, People
from fhirserver.access.smart.record_world import RecordWorld
from fhirserver.access.smart.server import AuthorizationServer, authorization_server
from fhirserver.access.smart.settings import Addresses, AuthorizationSettings
from fhirserver.access.smart.token_principals import TokenPrincipals
from fhirserver.app.guards import Guards
from fhirserver.app.jwks_fetching import JwksFetch
from fhirserver.app.late_records import LateRecords
from fhirserver.app.settings import Settings
from fhirserver.app.subscribing import egress_of
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.access_records import AccessRecords
from fhirserver.rest.cors import Cors
from fhirserver.rest.smart.pages import NobodySignsIn, NoPages, Pages, SignIns
from fhirserver.rest.smart.routes import smart_routes
from fhirserver.store.store import Store

Loop = Callable[[], Coroutine[Any, Any, None]]
_KEYS = "keys"
_APPS = "/auth/apps"
"""Where people see and end what they have let apps do."""


@dataclass(frozen=True)
class Humans:
    """Who signs in: the users, their sessions, and the pages they see."""

    people: People = field(default_factory=Nobody)
    sign_ins: SignIns = field(default_factory=NobodySignsIn)
    pages: Pages = field(default_factory=NoPages)


@dataclass(frozen=True)
class Secured:
    """What the rest of the server is given."""

    server: AuthorizationServer
    principals: KeyPrincipals
    people: Principals
    """Whose tokens open a console: principals of the settings, and platform keys; no app's."""
    owners: Owners
    """Who they are by now whose Subscriptions work on."""
    keys: PlatformKeys
    cors: Cors
    routes: Sequence[BaseRoute]
    loops: Sequence[tuple[str, Loop]]
    security: JsonObject
    """For the CapabilityStatement."""
    fetch: JwksFetch
    begun: list[asyncio.Task[None]] = field(default_factory=list)
    """What is done once, beside the first requests."""

    async def refresh(self) -> None:
        """Know what was revoked, before the first request."""
        await self.server.revocations.refresh()
        await self.keys.refresh()
        self.begun.append(asyncio.create_task(_warm_up(self.server)))

    async def close(self) -> None:
        for task in self.begun:
            task.cancel()
        await asyncio.gather(*self.begun, return_exceptions=True)
        await self.fetch.close()


def secure(
    settings: Settings,
    store: Store,
    key: ServerKey,
    audit: Audit,
    humans: Humans | None = None,
    guards: Guards | None = None,
) -> Secured:
    """The authorization server of these settings. ``guards`` are told of keys that may set the server up."""
    humans, fetch = humans or Humans(), JwksFetch(egress_of(settings.subscriptions))
    records = LateRecords(store.storage)
    server = authorization_server(
        authorization_settings(settings),
        records,
        key_ring(settings),
        key,
        humans.people,
        RecordWorld(store),
        settings.clients,
        fetch,
    )
    registered = {client.id: client.source for client in settings.clients}
    tokens = TokenPrincipals(
        settings.authenticator(),
        server.tokens,
        server.revocations,
        settings.sources,
        registered,
        settings.access,
    )
    origins = AppOrigins(settings.cors_origins, server.clients)
    named = NamedOwners(principal for _, principal in settings.principals)
    keys = PlatformKeys(records)
    principals = KeyPrincipals(tokens, keys, settings.sources, settings.access)
    if guards is not None:
        guards.also(principals.is_admin)
    owners = AppOwners(named, server.clients, server.grants, tokens.apps)
    told = (
        not settings.prefix
    )  # a workspace is no authorization server: nothing of it is served beneath its path
    return Secured(
        server,
        principals,
        KeyPrincipals(settings.authenticator(), keys, settings.sources, settings.access),
        KeyOwners(owners, keys, principals),
        keys,
        Cors(origins, origins.look),
        smart_routes(server, principals, humans.sign_ins, humans.pages, audit) if told else (),
        (("revocations", server.revocations.run), ("origins", origins.run), ("platform keys", keys.run)),
        rest_security(server.settings) if told else {},
        fetch,
    )


def authorization_settings(settings: Settings) -> AuthorizationSettings:
    """What the authorization server is set to. The issuer is the FHIR base without ``/fhir`` where nothing is said."""
    smart = settings.smart
    issuer = smart.issuer or settings.fhir_base.removesuffix("/fhir")
    return AuthorizationSettings(
        Addresses(issuer, settings.fhir_base),
        smart.lifetimes,
        smart.registration,
        smart.style_url or f"{issuer}/auth/style",
        smart.brands,
        smart.brand,
        smart.management_url or f"{issuer}{_APPS}",
    )


def key_ring(settings: Settings) -> KeyRing:
    """The keys of all processes that serve together; beside the data where nothing else is said."""
    folder = settings.smart.key_folder
    if settings.storage == "memory" and folder is None:
        return KeyRing(MemoryKeys())
    return KeyRing(KeyFiles(folder or settings.path.parent / _KEYS))


async def _warm_up(server: AuthorizationServer) -> None:
    """Load what verifies signatures beside the event loop, where there are clients whose tokens will come: it takes
    half a second, for which the first request would wait."""
    if await server.clients.all():
        await asyncio.to_thread(partial(import_module, "joserfc.jws"))


@asynccontextmanager
async def access_records(settings: Settings) -> AsyncIterator[AccessRecords]:
    """The access records for a command, whether the server runs or not. Raises ValueError for a storage in memory."""
    if settings.storage == "memory":
        raise ValueError("a storage in memory keeps nothing: there is nothing to be changed from outside")
    if settings.storage == "sqlite":
        from fhirserver.storage.sqlite.access_records import SqliteAccessRecords

        settings.path.parent.mkdir(parents=True, exist_ok=True)
        records = SqliteAccessRecords(settings.path.with_name(f"{settings.path.name}-access"))
        try:
            yield records
        finally:
            records.close()
        return
    from fhirserver.storage.mongo.storage import MongoStorage

    storage = MongoStorage(settings.mongodb_url, settings.database)
    await storage.open()
    try:
        yield storage.access_records
    finally:
        await storage.close()
