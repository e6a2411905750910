"""One webhook at work: its events in the order of the log, each until it is taken.

What has been taken is noted now and then: after a crash some events come again, with the same ids. Whatever one
endpoint waits for, no other waits for it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final

from fhirserver.access.audit.event import NOTIFICATION, Audit, Event, NoAudit
from fhirserver.access.audit.hidden import AUDIT
from fhirserver.access.server_key import ServerKey
from fhirserver.interactions.events.event import DomainEvent
from fhirserver.interactions.events.place import Place, place_of
from fhirserver.interactions.events.tail import EventTail
from fhirserver.interactions.webhooks.condition import Condition
from fhirserver.interactions.webhooks.records import REPLAY_SECONDS, Attempt, Progress, Replay, WebhookRecords
from fhirserver.interactions.webhooks.webhook import ACTIVE, DISABLED, Webhook, secrets_of
from fhirserver.kernel.instants import parse_instant
from fhirserver.kernel.measures import Counter
from fhirserver.store.store import Store
from subscriptions.channels.channel import ATTEMPT_SECONDS, Undeliverable
from subscriptions.channels.sending import Sender
from subscriptions.disclosures import place_of_url
from subscriptions.patience import Patience
from subscriptions.webhooks.messages import Message, headers, message, ping

NOTE_SECONDS: Final = 1.0
IDLE_SECONDS: Final = 1.0
_REPLAY_LOT: Final = 20
"""Replayed events between two lots of new ones."""

log = logging.getLogger("credence.webhooks")
ATTEMPTS = Counter("credence_webhook_attempts_total", "Attempts to deliver to a webhook", ("result",))


@dataclass(frozen=True)
class Office:
    """What all webhooks of a workspace work with. ``base`` is the FHIR base of the workspace."""

    store: Store
    tail: EventTail
    records: WebhookRecords
    sender: Sender
    key: ServerKey
    base: str
    patience: Patience = field(default_factory=Patience)
    audit: Audit = field(default_factory=NoAudit)


class _Changed(Exception):
    """The webhook is another by now: begin anew with what it is."""


class Endpoint:
    """The task of one webhook. :meth:`update` tells it what became of it."""

    def __init__(self, office: Office, webhook: Webhook):
        self._office, self._webhook = office, webhook
        self._condition = Condition(webhook.condition)
        self._news = asyncio.Event()
        self._progress, self._revision, self._noted = Progress(), 0, Progress()
        self._place = Place(0, 0)
        self._attempts: list[Attempt] = []
        self._disclosed = ""
        """The last message that the audit has: the same one again tells nobody anything new."""
        self._noted_at = time.monotonic()

    def update(self, webhook: Webhook) -> None:
        """What became of the webhook."""
        if webhook == self._webhook:
            return
        self._webhook, self._condition = webhook, Condition(webhook.condition)
        self._news.set()

    async def run(self) -> None:
        """For ever. What fails unexpectedly is tried again, slower and slower."""
        faults = 0
        while True:
            try:
                await self._load()
                while True:
                    await self._turn()
                    faults = 0
            except Exception as error:
                faults += 1
                log.warning("webhook %s: %s, once more", self._webhook.id, type(error).__name__)
                await asyncio.sleep(min(0.1 * 2**faults, 30))

    async def close(self) -> None:
        """Note what has been taken since it was noted last."""
        await self._note()

    async def _load(self) -> None:
        """Go on where it was noted to be."""
        self._progress, self._revision = await self._office.records.progress(self._webhook.id)
        self._noted = self._progress
        self._place = place_of(self._progress.place) or place_of(self._webhook.begins) or Place(1, 0)

    async def _turn(self) -> None:
        self._news.clear()
        if self._webhook.status != ACTIVE:
            await self._note()
            await self._wait(IDLE_SECONDS * 10)
            return
        with suppress(_Changed):
            replayed = await self._replay()
            if not await self._tell() and not replayed:
                await self._note()
                await self._idle()

    async def _tell(self) -> bool:
        """Send what comes next in the log; False where there is nothing yet."""
        events, reached = await self._office.tail.read(self._place, self._webhook.filter)
        for event in events:
            if await self._concerns(event):
                await self._send(message(event, self._office.base))
            await self._reach(event.place)
        moved = reached != self._place
        await self._reach(reached)
        return moved

    async def _concerns(self, event: DomainEvent) -> bool:
        return event.key.type != AUDIT and await self._condition.holds(self._office.store, event)

    async def _reach(self, place: Place) -> None:
        self._place = place
        self._progress = replace(self._progress, place=place.text)
        if time.monotonic() - self._noted_at >= NOTE_SECONDS:
            await self._note()

    async def _replay(self) -> bool:
        """Send some of what was asked for again; False where there is nothing."""
        asked = await self._office.records.replays(self._webhook.id, 1)
        for one in asked:
            if one.ping:
                await self._send(ping(one.ping, self._now()), replay=True)
                await self._office.records.note_replay(self._webhook.id, one, None, 0)
            else:
                await self._replay_some(one)
        return bool(asked)

    async def _replay_some(self, asked: Replay) -> None:
        after, until = place_of(asked.after), place_of(asked.until)
        if after is None or until is None:
            raise LookupError("a replay without places")
        events, reached = await self._office.tail.read(after, self._webhook.filter)
        due = [event for event in events if event.place <= until]
        for event in due[:_REPLAY_LOT]:
            if await self._concerns(event):
                await self._send(message(event, self._office.base), replay=True)
        left = len(due) > _REPLAY_LOT
        ended = not left and (reached > until or reached == after)
        place = None if ended else (due[_REPLAY_LOT - 1].place if left else reached).text
        expires = int(parse_instant(self._now()).timestamp()) + REPLAY_SECONDS
        await self._office.records.note_replay(self._webhook.id, asked, place, expires)

    async def _send(self, sent: Message, replay: bool = False) -> None:
        """Attempt it until it is taken. Raises :class:`_Changed` where the webhook is another meanwhile."""
        number = 0
        while True:
            number += 1
            failed = await self._attempt(sent, number, replay)
            if failed is None:
                return
            await self._failed(failed)

    async def _attempt(self, sent: Message, number: int, replay: bool) -> Undeliverable | None:
        """One attempt; why it failed, or None."""
        office, webhook = self._office, self._webhook.at(self._now())
        if office.audit.is_full:
            await office.audit.room()
        at, began = self._now(), time.monotonic()
        signed = headers(sent, secrets_of(office.key, webhook), int(parse_instant(at).timestamp()))
        failed: Undeliverable | None = None
        try:
            status = await office.sender.post(webhook.url, signed, sent.body, ATTEMPT_SECONDS)
        except Undeliverable as error:
            failed, status = error, error.status
        latency = round((time.monotonic() - began) * 1000)
        reason = failed.reason if failed else ""
        self._attempts.append(Attempt(at, sent.id, sent.type, number, status, latency, reason, replay))
        ATTEMPTS.add("failed" if failed else "delivered")
        if failed is None:
            self._progress = replace(
                self._progress,
                failing_since="",
                failures=0,
                delivered=self._progress.delivered + 1,
                last_delivered=at,
            )
        if self._disclosed != sent.id and not (failed and failed.unsent):
            self._disclosed = sent.id
            office.audit.note(_disclosure(webhook, sent, reason))
        return failed

    async def _failed(self, error: Undeliverable) -> None:
        now, known = self._now(), self._progress
        since = known.failing_since or now
        self._progress = replace(known, failing_since=since, failures=known.failures + 1)
        long = (parse_instant(now) - parse_instant(since)).total_seconds() > self._office.patience.off_after
        if error.gone or long:
            await self._disable(
                error.reason if error.gone else f"it has failed since {since}: {error.reason}"
            )
        await self._note()
        await self._pause(self._office.patience.wait(self._progress.failures, error))

    async def _disable(self, reason: str) -> None:
        """Turn it off, unless somebody changes it just now. What happens meanwhile is told when it is on again."""
        log.warning("webhook %s is disabled: %s", self._webhook.id, reason)
        off = replace(self._webhook, status=DISABLED, reason=reason)
        written = await self._office.records.write(off)
        self._progress = replace(self._progress, failing_since="", failures=0)
        await self._note()
        if written is not None:
            self.update(written)
        raise _Changed

    async def _pause(self, seconds: float) -> None:
        """Leave the endpoint alone for so long; what changes of the webhook ends that."""
        if await self._wait(seconds):
            raise _Changed

    async def _idle(self) -> None:
        """Wait for events and for news of the webhook."""
        waiting = asyncio.ensure_future(self._office.tail.wait(self._place, IDLE_SECONDS))
        news = asyncio.ensure_future(self._news.wait())
        try:
            await asyncio.wait({waiting, news}, timeout=IDLE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
            news.cancel()

    async def _wait(self, seconds: float) -> bool:
        """Wait for news of the webhook, at most so long; True where there is some."""
        with suppress(TimeoutError):
            async with asyncio.timeout(max(seconds, 0.0)):
                await self._news.wait()
        return self._news.is_set()

    async def _note(self) -> None:
        """Keep how far it has got, and how attempts went."""
        self._noted_at = time.monotonic()
        attempts, self._attempts = self._attempts, []
        await self._office.records.note_attempts(self._webhook.id, attempts)
        if self._progress == self._noted:
            return
        if not await self._office.records.note_progress(self._webhook.id, self._progress, self._revision):
            log.warning("webhook %s is delivered by another process too", self._webhook.id)
            self._progress, self._revision = await self._office.records.progress(self._webhook.id)
            self._place = max(self._place, place_of(self._progress.place) or self._place)
            return
        self._noted, self._revision = self._progress, self._revision + 1

    def _now(self) -> str:
        return self._office.store.now()


def _disclosure(webhook: Webhook, sent: Message, failed: str) -> Event:
    """What the audit notes: which versions an endpoint was told of."""
    place = place_of_url(webhook.url)
    details = {"recipient": place, "channel": "webhook", "number": sent.id, "failed": failed}
    return Event(
        NOTIFICATION,
        id=webhook.id,
        shown=sent.shown,
        status=504 if failed else 200,
        principal=webhook.by,
        address=place,
        details=details,
    )
