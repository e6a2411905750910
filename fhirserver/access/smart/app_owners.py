"""Owners that are apps: their authorization as it is now, or what their client is registered for.

An access token says what held when it was made. What works on for an app is judged by what holds, each time.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from fhirserver.access.owners import NamedOwners, Owner, OwnerGone
from fhirserver.access.permissions import Rights
from fhirserver.access.principals import Principal
from fhirserver.access.scopes import Scopes, parse_scopes
from fhirserver.access.smart.clients import Client, Clients
from fhirserver.access.smart.errors import OAuthError
from fhirserver.access.smart.grants import Grant, Grants
from fhirserver.access.smart.token_principals import Apps


@dataclass(frozen=True, slots=True)
class _Standing:
    """What an app may do by now; see :class:`fhirserver.access.smart.token_principals.Acting`."""

    client: str
    name: str
    source: str
    scopes: Scopes
    rights: Rights = field(default_factory=Rights)
    patient: str = ""
    user: str = ""
    grant: str = ""


class AppOwners:
    """See :class:`fhirserver.access.owners.Owners`: the principals of the settings, and apps."""

    def __init__(self, named: NamedOwners, clients: Clients, grants: Grants, apps: Apps):
        self._named, self._clients, self._grants, self._apps = named, clients, grants, apps

    def may_administrate(self, owner: Owner) -> bool:
        return self._named.may_administrate(owner)

    async def principal(self, owner: Owner) -> Principal:
        known = self._named.named(owner)
        if known is not None or not owner.client:
            return known or await self._named.principal(owner)
        client = await self._clients.find(owner.client)
        if client is None:
            raise OwnerGone("the app that made it is not registered any more")
        standing = await self._granted(owner, client) if owner.grant else _service(owner, client)
        found = self._apps.principal(standing)
        if found is None:
            raise OwnerGone("the app that made it speaks as a source that is no more")
        return found

    async def _granted(self, owner: Owner, client: Client) -> _Standing:
        """What a user lets an app do by now."""
        kept = await self._grants.find(owner.grant)
        if kept is None:
            raise OwnerGone("the authorization that it was made by has ended")
        try:
            grant = await self._grants.current(kept)
        except OAuthError as error:
            raise OwnerGone(
                f"the authorization that it was made by does not hold: {error.description}"
            ) from None
        scopes = parse_scopes(owner.scope).within(grant.scopes).within(client.registered)
        return _of_grant(owner, grant, scopes)


def _service(owner: Owner, client: Client) -> _Standing:
    scopes = parse_scopes(owner.scope).within(client.registered)
    return _Standing(client.id, owner.principal, client.source, scopes)


def _of_grant(owner: Owner, grant: Grant, scopes: Scopes) -> _Standing:
    return _Standing(
        grant.client,
        owner.principal,
        grant.source,
        scopes,
        grant.rights,
        grant.patient,
        grant.fhir_user,
        grant.id,
    )
