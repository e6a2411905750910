"""Whose a Subscription is: whoever last said what is asked for and where it goes.

The follower notes it with the numbers of events. It may be behind by what was written this instant: then the log says.
"""

from __future__ import annotations

from collections.abc import Mapping

from fhirserver.access.guarded import GuardedStore
from fhirserver.access.owners import Owner, owner_of, owner_of_statement
from fhirserver.access.principals import Principal
from fhirserver.interactions.exchange import Context
from fhirserver.interactions.subscription.record import (
    DELIVERED,
    EVENT,
    STANDING,
    Standing,
    standing,
    standings,
)
from fhirserver.interactions.subscription.wanted import Wanted, read_subscription
from fhirserver.kernel.json import loads
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.ports.log import Statement
from fhirserver.ports.storage import Version
from fhirserver.search.cursor import decode
from fhirserver.search.expression import Query
from fhirserver.store.as_of import commit_at
from fhirserver.store.store import Store

FOLLOWER = "subscriptions"
"""The follower, and the principal by which the server itself changes a Subscription."""
SUBSCRIPTION = "Subscription"
_PAGE = 500
_MOST_KNOWN = 1000


def owner_after(before: Owner, asked: Wanted | None, wanted: Wanted | None, said: Statement) -> Owner:
    """Whose it is after a change from what was asked for to what is; None: it is not there."""
    by_server = said.principal == FOLLOWER and not said.client
    if wanted is None or by_server or (asked is not None and asked.asks == wanted.asks):
        return before
    return owner_of_statement(said)


async def owner_at(store: Store, version: Version, base: str, known: Standing | None = None) -> Owner:
    """Whose a Subscription was at a version. ``known``: what the follower last noted of it."""
    while True:
        if known is not None and known.version == version.version:
            return known.owner
        said = (await commit_at(store, version.position)).statement
        number = version.version - 1
        before = await store.read_version(SUBSCRIPTION, version.id, number) if number else None
        if before is None:
            return owner_of_statement(said)
        asked, wanted = _wanted(before, base), _wanted(version, base)
        mark = Owner()
        owner = owner_after(mark, asked, wanted, said)
        if owner is not mark:
            return owner
        version = before


def _wanted(version: Version, base: str) -> Wanted | None:
    return read_subscription(loads(version.content), base) if version.content else None


class OwnSubscriptions:
    """See :class:`fhirserver.access.owners.Owned`."""

    def __init__(self, store: Store, owner: Owner, base: str):
        self._store, self._party, self._base = store, owner.party, base
        self._known: dict[tuple[str, int], bool] = {}

    async def is_own(self, id: str) -> bool:
        """Whether the Subscription of this id is theirs, also one that is deleted."""
        version = await self._store.read(SUBSCRIPTION, id)
        if version is None:
            return False
        at = (id, version.version)
        if at not in self._known:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[at] = await self._is_theirs(version, await standing(self._store, id))
        return self._known[at]

    async def ids(self) -> frozenset[str]:
        """The ids of all that are theirs now."""
        known: Mapping[str, Standing] = {one.id: one for one in await standings(self._store)}
        found, query = set[str](), Query(SUBSCRIPTION, count=_PAGE)
        while True:
            page = await self._store.search(query)
            for version in page.versions:
                if await self._is_theirs(version, known.get(version.id)):
                    found.add(version.id)
            if not page.cursor:
                return frozenset(found)
            query = Query(SUBSCRIPTION, count=_PAGE, cursor=decode(page.cursor, ()))

    async def may_know(self, kind: str, key: str) -> bool:
        """Whether a fact is about one of theirs."""
        return kind in (STANDING, EVENT, DELIVERED) and await self.is_own(key.partition("/")[0])

    async def _is_theirs(self, version: Version, known: Standing | None) -> bool:
        return (await owner_at(self._store, version, self._base, known)).party == self._party


async def is_own(context: Context, owner: Owner, version: Version) -> bool:
    """Whether a Subscription that somebody has read belongs to them: to the owner that they are."""
    if isinstance(context.store, GuardedStore):  # who is restricted reads their own only
        return True
    known = await standing(context.store, version.id)
    return (await owner_at(context.store, version, context.base_url, known)).party == owner.party


async def check_owner(context: Context, principal: Principal, version: Version) -> None:
    """Refuse (403) to tell how a Subscription stands to others than its owner and who looks after all of them."""
    if not may_look_after(principal) and not await is_own(context, owner_of(principal), version):
        raise refuse(Category.FORBIDDEN, "forbidden", "The subscription is somebody else's", SUBSCRIPTION)


def may_look_after(principal: Principal) -> bool:
    """Whether somebody looks after all Subscriptions, whoever made them."""
    return principal.permissions is None and principal.may("operator")
