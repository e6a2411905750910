"""One subscriber's own task: its events in order from the durable record, each until it is taken.

Whatever it waits for, nobody else waits. What has been taken is noted now and then: after a crash some events come
again, with the same numbers.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

from fhirserver.access.audit.event import Audit, NoAudit
from fhirserver.access.owners import OwnerGone
from fhirserver.interactions.subscription.record import delivered, delivered_note, events
from fhirserver.kernel.instants import parse_instant
from fhirserver.kernel.measures import Counter
from fhirserver.kernel.outcomes import Category, Refusal
from fhirserver.kernel.tracing import CLIENT, span
from fhirserver.ports.log import Statement
from fhirserver.store.commands import Command
from fhirserver.store.store import Store
from subscriptions.channels.channel import Channel, Delivery, Undeliverable
from subscriptions.disclosures import disclosure
from subscriptions.interests import Held
from subscriptions.notifier import NAME
from subscriptions.patience import Patience
from subscriptions.rendering import Rendering
from subscriptions.statuses import set_status

NOTE_SECONDS = 1.0
"""How often it is noted what has been taken, while more is on its way."""
SETTLE_SECONDS = 0.2
_LOOK_SECONDS = 30.0
OWNER_SECONDS = 3.0
"""How often it is looked, while there is nothing to send, whether there still is whom to send to."""
_HANDSHAKEN = frozenset({"rest-hook", "message", "email"})
"""Channels on which a topic's subscriber is asked first whether it is there."""

log = logging.getLogger("credence.subscriptions")

NOTIFICATIONS = Counter(
    "credence_notifications_total",
    "Attempts to notify a subscriber, by what came of them",
    ("channel", "result"),
)


@dataclass(frozen=True)
class Desk:
    """What all subscribers' tasks work with. ``channels`` by type; those without one are only looked after."""

    store: Store
    rendering: Rendering
    channels: Mapping[str, Channel]
    source: str
    patience: Patience = field(default_factory=Patience)
    audit: Audit = field(default_factory=NoAudit)


class Subscriber:
    """One subscription at work. :meth:`update` tells it what became of it."""

    def __init__(self, desk: Desk, held: Held):
        self._desk, self._held = desk, held
        self._news = asyncio.Event()
        self._taken = self._noted = 0
        self._noted_at = self._sent_at = time.monotonic()
        self._failures = 0
        self._failed_with = ""
        """The last delivery whose failure was noted for the audit: the same one again tells nobody anything new."""
        self._greeted = False

    def update(self, held: Held) -> None:
        """What became of the subscription: more events, another status, another channel."""
        self._held = held
        self._news.set()

    async def run(self) -> None:
        """Until the subscription is off. What fails unexpectedly is tried again, slower and slower."""
        faults = 0
        while True:
            try:
                self._taken = self._noted = await delivered(self._desk.store, self._held.id)
                await self._serve()
                return
            except Exception as error:
                faults += 1
                log.warning("subscription %s: %s, once more", self._held.id, type(error).__name__)
                await asyncio.sleep(min(0.1 * 2**faults, 30))

    async def _serve(self) -> None:
        while True:
            self._news.clear()
            held = self._held
            if held.wanted.status == "off" or not held.standing.version:
                await self._note()
                return
            try:
                await self._work(held)
            except OwnerGone as gone:
                await self._stand("off", gone.reason)

    async def _work(self, held: Held) -> None:
        """Do what is next. Raises OwnerGone where there is nobody any more whom to tell anything."""
        if held.wanted.over(self._desk.store.now()):
            await self._stand("off")
        elif held.fault:
            await self._stand("error", held.fault)
            await self._idle(held, _LOOK_SECONDS)
        elif held.wanted.status == "requested" or (held.wanted.status == "error" and self._to_greet(held)):
            await self._begin(held)
        elif self._sends and self._taken < held.standing.number:
            await self._send(held)
        else:
            await self._rest(held)

    @property
    def _sends(self) -> bool:
        """Whether events are sent from here: sockets read the record themselves."""
        return self._held.wanted.channel in self._desk.channels

    def _to_greet(self, held: Held) -> bool:
        """Whether the subscriber is to be asked first whether it is there."""
        return bool(held.wanted.topic) and held.wanted.channel in _HANDSHAKEN and not self._greeted

    async def _begin(self, held: Held) -> None:
        """Ask the subscriber whether it is there, where its channel has a handshake; then it is active."""
        self._greeted = self._greeted and held.wanted.status != "requested"
        greeting = await self._desk.rendering.plain(held, "handshake")
        if self._to_greet(held) and not await self._attempt(held, greeting):
            return
        self._greeted = True
        await self._stand("active")

    async def _send(self, held: Held) -> None:
        """Send what comes next, one notification or several single events."""
        most = held.wanted.most if held.wanted.topic else 20
        found = await events(self._desk.store, held.id, self._taken, held.standing.number, most)
        if not found:
            raise LookupError("an event is not in the record")
        for delivery in await self._desk.rendering.of_events(held, found):
            if not await self._attempt(held, delivery):
                return
            await self._took(delivery.number)
        await self._took(found[-1].number)
        if self._held.wanted.status == "error":
            await self._stand("active")

    async def _attempt(self, held: Held, delivery: Delivery) -> bool:
        """Try once. False where it failed: what that means is decided, and the wait is over."""
        channel = self._desk.channels[held.wanted.channel]
        notes = bool(delivery.disclosed) and channel.discloses(delivery.target)
        if notes and self._desk.audit.is_full:
            await self._desk.audit.room()
        try:
            with span("notify", CLIENT, credence__channel=held.wanted.channel):
                await channel.deliver(delivery)
        except Undeliverable as error:
            if notes and not error.unsent and self._failed_with != delivery.key:
                self._failed_with = delivery.key
                self._desk.audit.note(disclosure(held.standing.owner, delivery, error.reason))
            NOTIFICATIONS.add(held.wanted.channel, "failed")
            await self._failed(held, error)
            return False
        if notes:
            self._desk.audit.note(disclosure(held.standing.owner, delivery))
        NOTIFICATIONS.add(held.wanted.channel, "delivered")
        self._failures, self._sent_at = 0, time.monotonic()
        return True

    async def _failed(self, held: Held, error: Undeliverable) -> None:
        self._failures += 1
        patience = self._desk.patience
        if error.gone or self._given_up(held):
            await self._stand("off", error.reason)
            return
        if held.wanted.status != "error" and patience.is_error(self._failures, error):
            await self._stand("error", error.reason)
        await self._note()
        await self._pause(held, patience.wait(self._failures, error))

    def _given_up(self, held: Held) -> bool:
        """Whether it has been in error for too long."""
        if held.wanted.status != "error":
            return False
        since = parse_instant(self._desk.store.now()) - parse_instant(held.changed)
        return since.total_seconds() > self._desk.patience.off_after

    async def _stand(self, status: str, error: str = "") -> None:
        """Set the status, and go on as it says until the follower brings the very same news."""
        held = self._held
        if await set_status(self._desk.store, held, status, self._desk.source, error):
            if self._held is held:
                self._held = replace(held, wanted=replace(held.wanted, status=status, error=error))
        elif self._held is held:
            await self._wait(1.0)  # somebody else changed it: the news is on its way

    async def _rest(self, held: Held) -> None:
        """Wait for news; send a heartbeat where nothing else was sent for so long."""
        if self._taken > self._noted:
            if await self._wait(SETTLE_SECONDS):
                return
            await self._note()
        beat = held.wanted.heartbeat if self._sends and held.wanted.topic else 0.0
        left = self._sent_at + beat - time.monotonic() if beat else _LOOK_SECONDS
        if beat and left <= 0:
            await self._attempt(held, await self._desk.rendering.plain(held, "heartbeat"))
            self._sent_at = time.monotonic()
            return
        await self._idle(held, min(left, _LOOK_SECONDS))

    async def _idle(self, held: Held, seconds: float) -> bool:
        """Wait for news, at most so long, and for as long as there is whom to tell; True where there is some.

        Raises OwnerGone. Principals of the settings do not go while the server runs.
        """
        until = time.monotonic() + seconds
        while True:
            await self._desk.rendering.check(held)
            left = until - time.monotonic()
            step = min(left, OWNER_SECONDS) if held.standing.owner.client else left
            if await self._wait(step) or time.monotonic() >= until:
                return self._news.is_set()

    async def _pause(self, held: Held, seconds: float) -> None:
        """Leave the subscriber alone for so long, unless somebody asks anew meanwhile; more events are no reason."""
        until = time.monotonic() + seconds
        while not self._asked_anew(held) and (left := until - time.monotonic()) > 0:
            self._news.clear()
            await self._idle(held, left)

    def _asked_anew(self, held: Held) -> bool:
        now = self._held
        again = now.wanted.status == "requested" and now.standing.version != held.standing.version
        return now.wanted.status == "off" or now.wanted.asks != held.wanted.asks or again

    async def _wait(self, seconds: float) -> bool:
        """Wait for news, at most so long; True where there is some."""
        with suppress(TimeoutError):
            async with asyncio.timeout(max(seconds, 0.0)):
                await self._news.wait()
        return self._news.is_set()

    async def _took(self, number: int) -> None:
        self._taken = max(self._taken, number)
        if time.monotonic() - self._noted_at > NOTE_SECONDS:
            await self._note()

    async def _note(self) -> None:
        """Keep what has been taken."""
        self._noted_at = time.monotonic()
        if self._taken <= self._noted:
            return
        number = self._taken
        note = delivered_note(self._held.id, number)
        try:
            await self._desk.store.submit(Command(Statement(self._desk.source, NAME), (note,)))
        except Refusal as refusal:  # another process delivers as well, and is further
            if refusal.category is not Category.CONFLICT:
                raise
        self._noted = number
