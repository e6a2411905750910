"""The record of events as those who hold sockets read it, in whichever process they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fhirserver.interactions.exchange import Context
from fhirserver.interactions.subscription import record
from fhirserver.interactions.subscription.standing_now import Now, of_version
from fhirserver.kernel.outcomes import Category, refuse
from subscriptions.channels.channel import Delivery
from subscriptions.channels.feed import Standing
from subscriptions.interests import Held
from subscriptions.rendering import Rendering

_AT_A_TIME = 50


class RecordedFeed:
    """A :class:`subscriptions.channels.feed.Feed`. ``is_admin`` says whether a principal of a name may do all."""

    def __init__(self, context: Context, rendering: Rendering, is_admin: Callable[[str], bool]):
        self._context, self._rendering, self._is_admin = context, rendering, is_admin

    async def standing(self, subscription: str) -> Standing | None:
        """How it stands; None where there is none of this id."""
        now = await self._now(subscription)
        if now is None:
            return None
        active = now.wanted.channel == "websocket" and now.wanted.status in ("requested", "active")
        return Standing(active, now.number, bool(now.wanted.topic))

    async def may_bind(self, subscription: str, principal: str) -> bool:
        """Whether it is the principal's own, or the principal an admin."""
        known = await record.standing(self._context.store, subscription)
        return known is not None and (known.owner == principal or self._is_admin(principal))

    async def handshake(self, subscription: str) -> Delivery:
        """The handshake notification as of now."""
        return self._rendering.plain(await self._held(subscription), "handshake")

    async def heartbeat(self, subscription: str) -> Delivery | None:
        """A heartbeat as of now; None where the subscription asks for none."""
        held = await self._held(subscription)
        return self._rendering.plain(held, "heartbeat") if held.wanted.heartbeat else None

    async def events(self, subscription: str, after: int, limit: int) -> Sequence[Delivery]:
        """What the record has above ``after``, in order, at most ``limit`` events."""
        held = await self._held(subscription)
        most = min(limit, _AT_A_TIME, held.wanted.most)
        found = await record.events(self._context.store, subscription, after, held.standing.number, most)
        return await self._rendering.of_events(held, found) if found else ()

    async def news(self, position: int, seconds: float) -> int:
        """Wait until the log is longer than ``position``; the position it has then."""
        await self._context.store.wait_beyond(position, seconds)
        return self._context.store.head

    async def _now(self, id: str) -> Now | None:
        version = await self._context.store.read("Subscription", id)
        return None if version is None or version.deleted else await of_version(self._context, version)

    async def _held(self, id: str) -> Held:
        now = await self._now(id)
        if now is None:
            raise refuse(Category.NOT_FOUND, "not-found", "There is no such Subscription", "Subscription")
        return Held(now.wanted, now.standing, "")
