"""What users may do now: asked when an app renews its token, long after its user signed in."""

from __future__ import annotations

from fhirserver.access.choosable import choosable
from fhirserver.access.identity import Identity
from fhirserver.access.permissions import Rights
from fhirserver.access.smart.people import rights_of
from fhirserver.kernel.instants import Clock, instant
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.store.store import Store


class CurrentPeople:
    """See :class:`fhirserver.access.smart.people.People`."""

    def __init__(self, identity: Identity, store: Store, clock: Clock):
        self._identity, self._store, self._clock = identity, store, clock

    async def rights(self, login: str, epoch: str) -> Rights | None:
        user = await self._identity.users.active(login, epoch)
        if user is None:
            return None
        return rights_of(user.roles, await choosable(user, self.read, instant(self._clock.now())[:10]))

    async def is_open(self, session: str) -> bool:
        return await self._identity.auth.is_open(session)

    async def read(self, type: str, id: str) -> JsonObject | None:
        """A resource as it is now; None where there is none."""
        found = await self._store.read(type, id)
        if found is None or found.deleted:
            return None
        resource: JsonObject = loads(found.content)
        return resource
