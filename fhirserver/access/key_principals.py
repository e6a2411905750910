"""Principals who come with a platform key, beside those around."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from fhirserver.access.owners import Owner, OwnerGone, Owners, owner_of
from fhirserver.access.platform_keys import BEGINNING, PlatformKey, PlatformKeys
from fhirserver.access.platform_roles import FHIR_ROLES
from fhirserver.access.principals import Principal, Principals
from fhirserver.access.rules import AccessRules
from fhirserver.world.sources import Source

_MOST_HEARD = 4096


class _Heard(NamedTuple):
    """A header that was looked at: whose it is, until when, and at which generation of the keys."""

    key: PlatformKey
    principal: Principal
    until: int
    generation: int


class KeyPrincipals(Principals):
    """``sources`` are those of the settings by id: a key whose source is no more opens nothing."""

    def __init__(
        self,
        around: Principals,
        keys: PlatformKeys,
        sources: Mapping[str, Source],
        rules: AccessRules,
        now: Callable[[], float] = time.time,
    ):
        super().__init__(())
        self._around, self._keys, self._sources, self._rules = around, keys, sources, rules
        self._heard: dict[str, _Heard] = {}
        self._now = now
        self._made: dict[str, tuple[PlatformKey, Principal]] = {}

    def authenticate(self, authorization: str | None) -> Principal:
        """The principal of an ``Authorization: Bearer`` header. Raises :class:`Refusal` (401)."""
        heard = self._heard.get(authorization or "")
        if heard is None:
            if authorization is None or BEGINNING not in authorization:
                return self._around.authenticate(authorization)
            heard = self._hear(authorization)
            if heard is None:
                return self._around.authenticate(authorization)
        if heard.generation != self._keys.generation or 0 < heard.until <= self._now():
            del self._heard[authorization or ""]
            return self.authenticate(authorization)
        self._keys.note_use(heard.key)
        return heard.principal

    def _hear(self, authorization: str) -> _Heard | None:
        """Whose a header is that was not heard before; None where it is no key's that holds."""
        scheme, _, token = authorization.partition(" ")
        held = self._keys.held(token.strip()) if scheme.lower() == "bearer" else None
        found = self.principal(held[0]) if held is not None else None
        if held is None or found is None:
            return None
        if len(self._heard) >= _MOST_HEARD:
            self._heard.clear()
        heard = self._heard[authorization] = _Heard(held[0], found, held[1], self._keys.generation)
        return heard

    def principal(self, key: PlatformKey) -> Principal | None:
        """Who a key is; the same object as long as the key is the same. None where its source is no more."""
        made = self._made.get(key.id)
        if made is not None and (made[0].role, made[0].source, made[0].name) == (
            key.role,
            key.source,
            key.name,
        ):
            return made[1]
        source = self._sources.get(key.source)
        if source is None:
            return None
        roles = FHIR_ROLES[key.role]
        shown = self._rules.applied(None, roles)
        found = Principal(key.principal, source, roles, shown, platform=key.role, title=key.name)
        self._made[key.id] = key, found
        return found

    def is_admin(self, source: str, principal: str) -> bool:
        """Whether it is a key that holds, speaks as this source and may change how the server is set up."""
        key = self._keys.known(principal.removeprefix("key:")) if principal.startswith("key:") else None
        return key is not None and key.source == source and "admin" in FHIR_ROLES[key.role]

    def of_digest(self, digest: str) -> Principal | None:
        held = self._keys.of_digest(digest)
        return self.principal(held) if held is not None else self._around.of_digest(digest)

    async def learn(self, authorization: str | None) -> bool:
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() == "bearer" and token.strip().startswith(BEGINNING):
            return await self._keys.learn(token.strip())
        return await self._around.learn(authorization)

    async def learn_name(self, name: str) -> bool:
        return await self._keys.learn_name(name) or await self._around.learn_name(name)


class KeyOwners:
    """Owners that are platform keys: what a key made works on as long as the key holds."""

    def __init__(self, around: Owners, keys: PlatformKeys, principals: KeyPrincipals):
        self._around, self._keys, self._principals = around, keys, principals

    async def principal(self, owner: Owner) -> Principal:
        """See :class:`~fhirserver.access.owners.Owners`."""
        if not owner.principal.startswith("key:") or owner.client:
            return await self._around.principal(owner)
        key = self._keys.known(owner.principal.removeprefix("key:"))
        found = self._principals.principal(key) if key is not None else None
        if found is None or owner_of(found).party != owner.party:
            raise OwnerGone("the platform key that made it was revoked or has expired")
        return found

    def may_administrate(self, owner: Owner) -> bool:
        """See :class:`~fhirserver.access.owners.Owners`."""
        key = (
            self._keys.known(owner.principal.removeprefix("key:"))
            if owner.principal.startswith("key:") and not owner.client
            else None
        )
        if key is not None:
            return "operator" in FHIR_ROLES[key.role]
        return self._around.may_administrate(owner)
