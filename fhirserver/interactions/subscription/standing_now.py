"""How a subscription stands now: its resource, with the number of its last event."""

from __future__ import annotations

from dataclasses import dataclass, replace

from fhirserver.access.owners import Owner, owner_of
from fhirserver.access.principals import Principal
from fhirserver.interactions.exchange import Context
from fhirserver.interactions.read import current
from fhirserver.interactions.subscription.ownership import (
    SUBSCRIPTION,
    check_owner,
    is_own,
    may_look_after,
)
from fhirserver.interactions.subscription.record import Lag, Standing, lag_of, standing
from fhirserver.interactions.subscription.topic import Topic
from fhirserver.interactions.subscription.wanted import Wanted, read_subscription
from fhirserver.kernel.json import loads
from fhirserver.ports.storage import Version
from fhirserver.search.cursor import decode
from fhirserver.search.expression import Query

_PAGE = 200


@dataclass(frozen=True, slots=True)
class Now:
    """A subscription as it is asked about. ``standing`` may be behind by what the follower has not seen yet."""

    wanted: Wanted
    standing: Standing
    topic: Topic | None

    @property
    def number(self) -> int:
        return self.standing.number


async def own_now(context: Context, principal: Principal, id: str) -> Now:
    """One subscription, for its owner and who looks after all. Refuses (404, 410) what is not there, (403) others."""
    version = await current(context, SUBSCRIPTION, id)
    await check_owner(context, principal, version)
    return await of_version(context, version)


async def own_subscriptions(context: Context, principal: Principal, strictly: bool = False) -> list[Now]:
    """All that somebody may know how they stand; ``strictly``: those that belong to them."""
    query, found = Query(SUBSCRIPTION, count=_PAGE), list[Now]()
    every, owner = may_look_after(principal) and not strictly, owner_of(principal)
    while True:
        page = await context.store.search(query)
        for version in page.versions:
            if every or await is_own(context, owner, version):
                found.append(await of_version(context, version))
        if not page.cursor:
            return found
        query = Query(SUBSCRIPTION, count=_PAGE, cursor=decode(page.cursor, ()))


async def of_version(context: Context, version: Version) -> Now:
    """The subscription in a version."""
    await context.topics.refresh()
    wanted = read_subscription(loads(version.content), context.base_url)
    if wanted.over(context.store.now()):
        wanted = replace(wanted, status="off")
    known = await standing(context.store, version.id)
    return Now(
        wanted,
        known or Standing(version.id, 0, 0, Owner(), version.recorded),
        context.topics.find(wanted.topic) if wanted.topic else None,
    )


async def lag_now(context: Context, now: Now) -> Lag | None:
    """How far behind its subscriber is; None for sockets, whose reading leaves no trace."""
    if now.wanted.channel == "websocket" or now.wanted.status == "off":
        return None
    return await lag_of(context.store, now.standing, context.store.now())
