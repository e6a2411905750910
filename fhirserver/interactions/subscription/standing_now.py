"""How a subscription stands now: its resource, with the number of its last event."""

from __future__ import annotations

from dataclasses import dataclass, replace

from fhirserver.interactions.exchange import Context
from fhirserver.interactions.read import current
from fhirserver.interactions.subscription.record import Lag, Standing, lag_of, standing
from fhirserver.interactions.subscription.topic import Topic
from fhirserver.interactions.subscription.wanted import Wanted, read_subscription
from fhirserver.kernel.json import loads
from fhirserver.ports.storage import Version


@dataclass(frozen=True, slots=True)
class Now:
    """A subscription as it is asked about. ``standing`` may be behind by what the follower has not seen yet."""

    wanted: Wanted
    standing: Standing
    topic: Topic | None

    @property
    def number(self) -> int:
        return self.standing.number


async def subscription_now(context: Context, id: str) -> Now:
    """One subscription. Refuses (404, 410) what is not there."""
    return await of_version(context, await current(context, "Subscription", id))


async def of_version(context: Context, version: Version) -> Now:
    """The subscription in a version."""
    await context.topics.refresh()
    wanted = read_subscription(loads(version.content), context.base_url)
    if wanted.over(context.store.now()):
        wanted = replace(wanted, status="off")
    known = await standing(context.store, version.id)
    return Now(
        wanted,
        known or Standing(version.id, 0, 0, "", version.recorded),
        context.topics.find(wanted.topic) if wanted.topic else None,
    )


async def lag_now(context: Context, now: Now) -> Lag | None:
    """How far behind its subscriber is; None for sockets, whose reading leaves no trace."""
    if now.wanted.channel == "websocket" or now.wanted.status == "off":
        return None
    return await lag_of(context.store, now.standing, context.store.now())
