"""What is kept of webhooks beside the log: themselves, how far each has got, what is to be sent again, how it went.

All in the access records of the workspace: durable, and the same for all processes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from fhirserver.interactions.webhooks.webhook import Webhook, webhook_of
from fhirserver.kernel.instants import microseconds
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.access_records import AccessRecord, AccessRecords

MOST_WEBHOOKS: Final = 100
LOG_SECONDS: Final = 30 * 86_400
"""How long it is known how deliveries went."""
REPLAY_SECONDS: Final = 7 * 86_400
_HOOK, _PLACE, _LOG, _REPLAY = "webhook/", "webhook-place/", "webhook-log/", "webhook-replay/"
_FOREVER: Final = 1 << 62
_LOTS: Final = 50
CURSOR: Final = "^[0-9a-f]{16}:[0-9]{1,4}$"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a webhook has got: ``place`` is behind the last event that was taken (or passed over). Since
    ``failing_since`` (an instant; empty: it does not fail) ``failures`` attempts in a row have failed."""

    place: str = ""
    failing_since: str = ""
    failures: int = 0
    delivered: int = 0
    last_delivered: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at one delivery. ``status`` is the HTTP status, 0 without an answer; ``latency`` in milliseconds;
    ``reason`` says why it failed. ``number`` counts the attempts at this delivery from 1."""

    at: str
    event: str
    type: str
    number: int
    status: int
    latency: int
    reason: str = ""
    replay: bool = False

    @property
    def delivered(self) -> bool:
        return not self.reason

    def as_json(self) -> JsonObject:
        return {
            "at": self.at,
            "event": self.event,
            "type": self.type,
            "number": self.number,
            "status": self.status,
            "latency": self.latency,
            "reason": self.reason,
            "replay": self.replay,
        }


@dataclass(frozen=True, slots=True)
class Replay:
    """Events to be sent once more: behind ``after`` up to and with ``until`` (places). A ping has an id alone."""

    key: str
    after: str = ""
    until: str = ""
    ping: str = ""
    revision: int = 1


class WebhookRecords:
    """The records of one workspace."""

    def __init__(self, records: AccessRecords):
        self._records = records

    async def all(self) -> list[Webhook]:
        """Every webhook, in the order of their ids."""
        return [_hook(one) for one in await self._records.find(_HOOK, limit=MOST_WEBHOOKS)]

    async def read(self, id: str) -> Webhook | None:
        found = await self._records.read(_HOOK + id)
        return _hook(found) if found else None

    async def write(self, webhook: Webhook) -> Webhook | None:
        """Keep it, where it is still at its revision (0: it is new); as it is then, or None."""
        if not await self._records.swap(_HOOK + webhook.id, webhook.revision, webhook.as_json()):
            return None
        return replace(webhook, revision=webhook.revision + 1)

    async def remove(self, webhook: Webhook) -> bool:
        """Forget it, with all that is known of it."""
        if not await self._records.remove(_HOOK + webhook.id, webhook.revision):
            return False
        for prefix in (_LOG, _REPLAY):
            while found := await self._records.find(f"{prefix}{webhook.id}/"):
                for one in found:
                    await self._records.remove(one.key, one.revision)
        place = await self._records.read(_PLACE + webhook.id)
        if place:
            await self._records.remove(place.key, place.revision)
        return True

    async def progress(self, id: str) -> tuple[Progress, int]:
        """How far one has got, and the revision of that."""
        found = await self._records.read(_PLACE + id)
        return (Progress(**found.value), found.revision) if found else (Progress(), 0)

    async def note_progress(self, id: str, progress: Progress, revision: int) -> bool:
        """Keep how far it has got; False where another process has done so since."""
        kept: JsonObject = {
            "place": progress.place,
            "failing_since": progress.failing_since,
            "failures": progress.failures,
            "delivered": progress.delivered,
            "last_delivered": progress.last_delivered,
        }
        return await self._records.swap(_PLACE + id, revision, kept)

    async def note_attempts(self, id: str, attempts: Sequence[Attempt]) -> None:
        """Keep how some attempts went, the first one first. Of one webhook no two at once."""
        if not attempts:
            return
        last = microseconds(attempts[-1].at)
        expires = last // 1_000_000 + LOG_SECONDS
        value: JsonObject = {"attempts": [one.as_json() for one in reversed(attempts)]}
        while not await self._records.swap(f"{_LOG}{id}/{_FOREVER - last:016x}", 0, value, expires):
            last += 1

    async def attempts(self, id: str, cursor: str = "", limit: int = 50) -> tuple[list[Attempt], str]:
        """How attempts went, the last one first, and the cursor behind them; empty where there are no more.

        A cursor is the key of a lot and how many of it were told of: :data:`CURSOR` is what it looks like.
        """
        prefix, found = f"{_LOG}{id}/", list[Attempt]()
        name, _, told = cursor.partition(":")
        place, skip = (f"{prefix}{int(name, 16) - 1:016x}", int(told)) if cursor else ("", 0)
        while lots := await self._records.find(prefix, place, _LOTS):
            for lot in lots:
                kept = lot.value["attempts"][skip:]
                room = limit - len(found)
                found += [Attempt(**one) for one in kept[:room]]
                if len(kept) > room:
                    return found, f"{lot.key.removeprefix(prefix)}:{skip + room}"
                place, skip = lot.key, 0
        return found, ""

    async def ask_again(self, id: str, replay: Replay, expires: int) -> None:
        """Have events sent once more."""
        kept: JsonObject = {"after": replay.after, "until": replay.until, "ping": replay.ping}
        await self._records.swap(f"{_REPLAY}{id}/{replay.key}", 0, kept, expires)

    async def replays(self, id: str, limit: int = 100) -> list[Replay]:
        """What is to be sent once more, in the order in which it was asked for."""
        prefix = f"{_REPLAY}{id}/"
        return [
            Replay(one.key.removeprefix(prefix), **one.value, revision=one.revision)
            for one in await self._records.find(prefix, limit=limit)
        ]

    async def note_replay(self, id: str, replay: Replay, after: str | None, expires: int) -> Replay | None:
        """It has got so far; with None it is done, and the answer is None."""
        key = f"{_REPLAY}{id}/{replay.key}"
        if after is None:
            await self._records.remove(key, replay.revision)
            return None
        kept: JsonObject = {"after": after, "until": replay.until, "ping": replay.ping}
        await self._records.swap(key, replay.revision, kept, expires)
        return replace(replay, after=after, revision=replay.revision + 1)


def _hook(record: AccessRecord) -> Webhook:
    return webhook_of(record.key.removeprefix(_HOOK), record.value, record.revision)
