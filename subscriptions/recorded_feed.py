"""The record of events as those who hold sockets read it, in whichever process they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fhirserver.access.owners import Owner, OwnerGone
from fhirserver.interactions.exchange import Context
from fhirserver.interactions.subscription import record
from fhirserver.interactions.subscription.standing_now import Now, of_version
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.ports.log import Commit
from subscriptions.channels.channel import Delivery
from subscriptions.channels.feed import News, Standing
from subscriptions.interests import Held
from subscriptions.rendering import Rendering

_AT_A_TIME = 50
_COMMITS = 200


class RecordedFeed:
    """A :class:`subscriptions.channels.feed.Feed`."""

    def __init__(self, context: Context, rendering: Rendering):
        self._context, self._rendering = context, rendering

    async def standing(self, subscription: str) -> Standing | None:
        """How it stands; None where there is none of this id."""
        now = await self._now(subscription)
        if now is None:
            return None
        active = now.wanted.channel == "websocket" and now.wanted.status in ("requested", "active")
        active = active and await self._has_owner(now)
        return Standing(active, now.number, bool(now.wanted.topic), now.wanted.heartbeat)

    async def _has_owner(self, now: Now) -> bool:
        """Whether there still is whom to tell anything."""
        if not now.standing.owner:  # the follower has not seen it yet
            return True
        try:
            await self._rendering.owners.principal(now.standing.owner)
        except OwnerGone:
            return False
        return True

    async def may_bind(self, subscription: str, owner: Owner) -> bool:
        """Whether it is their own, or they look after all."""
        known = await record.standing(self._context.store, subscription)
        if known is None:
            return False
        return known.owner.party == owner.party or self._rendering.owners.may_administrate(owner)

    async def handshake(self, subscription: str) -> Delivery:
        """The handshake notification as of now."""
        return await self._rendering.plain(await self._held(subscription), "handshake")

    async def heartbeat(self, subscription: str) -> Delivery:
        """A heartbeat as of now."""
        return await self._rendering.plain(await self._held(subscription), "heartbeat")

    async def events(self, subscription: str, after: int, limit: int) -> Sequence[Delivery]:
        """What the record has above ``after``, in order, at most ``limit`` events."""
        held = await self._held(subscription)
        most = min(limit, _AT_A_TIME, held.wanted.most)
        found = await record.events(self._context.store, subscription, after, held.standing.number, most)
        return await self._rendering.of_events(held, found) if found else ()

    async def position(self) -> int:
        """How long the log is now."""
        return (await self._context.store.storage.head()).position

    async def news(self, position: int, seconds: float) -> News:
        """What the log has beyond ``position``; where it has nothing, waits for that, at most ``seconds``."""
        if not await self._context.store.wait_beyond(position, seconds):
            return News(position, frozenset())
        commits = await self._context.store.read_log(position, _COMMITS)
        touched = frozenset(id for commit in commits for id in _touched(commit))
        return News(commits[-1].position if commits else position, touched)

    async def _now(self, id: str) -> Now | None:
        version = await self._context.store.read("Subscription", id)
        return None if version is None or version.deleted else await of_version(self._context, version)

    async def _held(self, id: str) -> Held:
        now = await self._now(id)
        if now is None:
            raise refuse(Category.NOT_FOUND, "not-found", "There is no such Subscription", "Subscription")
        return Held(now.wanted, now.standing, "")


def _touched(commit: Commit) -> Iterator[str]:
    """The subscriptions that a commit is about: their resources, or what the engine noted of them."""
    for event in commit.events:
        if event["e"] == "noted" and event["kind"] == record.STANDING:
            yield event["key"]
        elif event.get("type") == "Subscription":
            yield event["id"]
