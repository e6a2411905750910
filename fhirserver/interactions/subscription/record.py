"""The durable record of subscriptions: facts of the log, so that numbers and order outlive every crash.

* ``subscription`` by id: how it stood when the follower last looked: version, number of its last event, owner.
* ``subscription-event`` by ``id/number``: what event that was.
* ``subscription-delivered`` by id: up to which number the other side has taken everything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fhirserver.access.owners import Owner, owner_of_json
from fhirserver.kernel.instants import parse_instant
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.storage import Fact
from fhirserver.store.commands import Note
from fhirserver.store.store import Store

STANDING: Final = "subscription"
EVENT: Final = "subscription-event"
DELIVERED: Final = "subscription-delivered"


@dataclass(frozen=True, slots=True)
class Standing:
    """A subscription as the follower knows it. ``version`` is that of the Subscription, 0 where it is deleted.

    ``owner`` is who asked for it as it is, ``since`` when it was first seen.
    """

    id: str
    version: int
    number: int
    owner: Owner
    since: str

    def note(self) -> Note:
        value: JsonObject = {
            "version": self.version,
            "number": self.number,
            "owner": self.owner.principal,
            "since": self.since,
        }
        if app := self.owner.as_json():
            value["app"] = app
        return Note(STANDING, self.id, value)


@dataclass(frozen=True, slots=True)
class Event:
    """One event of one subscription: ``type/id`` in ``version`` at ``recorded``, and what was done to it."""

    subscription: str
    number: int
    type: str
    id: str
    version: int
    interaction: str
    recorded: str
    position: int

    def note(self) -> Note:
        value: JsonObject = {
            "focus": f"{self.type}/{self.id}/_history/{self.version}",
            "interaction": self.interaction,
            "recorded": self.recorded,
            "position": self.position,
        }
        return Note(EVENT, f"{self.subscription}/{self.number}", value)


@dataclass(frozen=True, slots=True)
class Lag:
    """What a subscriber has not got yet: events, and seconds since the first of them."""

    events: int
    seconds: float


def standing_of(fact: Fact) -> Standing:
    """A standing as it was kept."""
    value = fact.value
    owner = owner_of_json(value["owner"], value.get("app", {}))
    return Standing(fact.key, value["version"], value["number"], owner, value["since"])


def _event_of(fact: Fact) -> Event:
    id, _, number = fact.key.rpartition("/")
    type, focus, _, version = fact.value["focus"].split("/")
    value = fact.value
    return Event(
        id, int(number), type, focus, int(version), value["interaction"], value["recorded"], value["position"]
    )


async def standings(store: Store) -> list[Standing]:
    """Every subscription there ever was."""
    return [standing_of(fact) for fact in await store.facts(STANDING)]


async def standing(store: Store, id: str) -> Standing | None:
    """One subscription; None where the follower has not seen it."""
    fact = await store.fact(STANDING, id)
    return standing_of(fact) if fact else None


async def events(store: Store, id: str, after: int, until: int, limit: int) -> Sequence[Event]:
    """The events numbered above ``after`` up to ``until``, in order, at most ``limit``."""
    numbers = range(max(after, 0) + 1, min(until, max(after, 0) + limit) + 1)
    facts = await asyncio.gather(*(store.fact(EVENT, f"{id}/{number}") for number in numbers))
    return [_event_of(fact) for fact in facts if fact is not None]


async def delivered(store: Store, id: str) -> int:
    """Up to which number everything has been taken."""
    fact = await store.fact(DELIVERED, id)
    return int(fact.value["position"]) if fact else 0


def delivered_note(id: str, number: int) -> Note:
    """That everything up to ``number`` has been taken; refused where that is noted already."""
    return Note(DELIVERED, id, {"position": number}, advance=True)


async def lag_of(store: Store, one: Standing, now: str) -> Lag:
    """How far behind its subscriber is."""
    taken = await delivered(store, one.id)
    if taken >= one.number:
        return Lag(0, 0.0)
    first = await events(store, one.id, taken, taken + 1, 1)
    since = parse_instant(first[0].recorded) if first else parse_instant(now)
    return Lag(one.number - taken, max(0.0, (parse_instant(now) - since).total_seconds()))
