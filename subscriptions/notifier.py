"""The one follower of the log for all subscriptions: it finds the events of each and numbers them.

What an event was and which number it has is committed with the follower's checkpoint. So no event is missed, none is
numbered twice, and the order is that of the log, whenever the process is killed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from fhirserver.access.owners import Owner, OwnerGone, Owners
from fhirserver.interactions.exchange import Context
from fhirserver.interactions.subscription.governing import ready
from fhirserver.interactions.subscription.matching import Seen
from fhirserver.interactions.subscription.ownership import FOLLOWER, owner_after
from fhirserver.interactions.subscription.record import Event, Standing, standings
from fhirserver.interactions.subscription.sight import Sight, sight_of
from fhirserver.interactions.subscription.topic_form import is_topic
from fhirserver.interactions.subscription.trigger import Change
from fhirserver.interactions.subscription.wanted import Wanted, read_subscription
from fhirserver.kernel.json import loads
from fhirserver.ports.log import Commit
from fhirserver.ports.storage import Key, Version
from fhirserver.store.commands import Note, Write
from subscriptions.interests import Held, Interests, interested

NAME = FOLLOWER


@dataclass
class _Step:
    """What one step makes of the commits it is given; nothing of it counts until it is committed."""

    interests: Interests
    last: int
    numbers: dict[str, int] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    stood: set[str] = field(default_factory=set)
    sights: dict[Owner, Sight | None] = field(default_factory=dict)
    """What owners may see, by now; None of who is no more."""

    def count(self, held: Held, change: Change, commit: Commit) -> None:
        """Give an event its number."""
        number = self.numbers.get(held.id, held.standing.number) + 1
        self.numbers[held.id] = number
        version = change.current.version
        self.events.append(
            Event(
                held.id,
                number,
                version.type,
                version.id,
                version.version,
                change.interaction,
                commit.recorded,
                commit.position,
            )
        )

    def held(self, id: str) -> Held | None:
        found = self.interests.by_id.get(id)
        if found is None or id not in self.numbers:
            return found
        return found.numbered(self.numbers[id])

    def stand(self, held: Held) -> None:
        """Take up what became of a Subscription."""
        self.interests = self.interests.having([held])
        self.stood.add(held.id)

    def settle(self) -> list[Note]:
        """The notes of the step: how each that was touched stands, and every event."""
        numbered = [held for id in self.numbers if (held := self.held(id)) is not None]
        self.interests = self.interests.having(numbered)
        touched = sorted(self.stood | set(self.numbers))
        return [
            *(self.interests.by_id[id].standing.note() for id in touched),
            *(e.note() for e in self.events),
        ]


class Notifier:
    """A :class:`fhirserver.store.followers.Follower`. ``interests`` are as of the last step that was committed."""

    name = NAME

    def __init__(self, context: Context, owners: Owners):
        self._context, self._owners = context, owners
        self._step: _Step | None = None
        self._understood: tuple[object, ...] = ()

    @property
    def interests(self) -> Interests | None:
        """The subscriptions there are, once they have been read."""
        return self._step.interests if self._step else None

    async def load(self) -> None:
        """Read the subscriptions as they stood at the checkpoint, where that has not been done."""
        if self._step is None:
            self._step = _Step(await self._stored(), 0)

    async def effects(self, commits: Sequence[Commit]) -> Sequence[Write]:
        """The events in the commits, and how the subscriptions stand after them."""
        if self._step is None or self._step.last != commits[0].position - 1:
            # The first step, or the one before was not committed: what is stored is what holds.
            self._step, self._understood = _Step(await self._stored(), 0), ()
        step = _Step(self._step.interests, commits[-1].position)
        if step.interests.any:
            await self._understand(step)
        for commit in commits:
            await self._follow(step, commit)
        notes = step.settle()
        self._step = step
        return notes

    async def _stored(self) -> Interests:
        found: dict[str, Held] = {}
        await ready(self._context)
        for one in await standings(self._context.store):
            version = await self._context.store.read_version("Subscription", one.id, one.version or 1)
            if version is not None:
                found[one.id] = interested(self._context, Held(self._wanted(version), one, version.recorded))
        return Interests(found)

    def _wanted(self, version: Version) -> Wanted:
        return (
            read_subscription(loads(version.content), self._context.base_url)
            if version.content
            else Wanted(version.id, "off")
        )

    async def _understand(self, step: _Step) -> None:
        """Read all criteria again where what they are read by has changed: topics, parameters, value sets."""
        context = self._context
        await ready(context)
        by = (context.store.parameters.current, context.conformance.generation, *context.topics.known())
        if by != self._understood:
            again = [interested(context, held) for held in step.interests.by_id.values()]
            step.interests, self._understood = step.interests.having(again), by

    async def _follow(self, step: _Step, commit: Commit) -> None:
        for key, (number, kinds) in _touched(commit).items():
            if key.type == "Subscription":
                await self._stand(step, commit, key, number)
            elif key.type == "Basic" and step.interests.any:
                await self._topic(step, key, number)
            ids = step.interests.by_type.get(key.type)
            if ids:
                await self._ask(step, commit, ids, await self._change(commit, key, number, kinds))

    async def _ask(self, step: _Step, commit: Commit, ids: Iterable[str], change: Change | None) -> None:
        """Ask every subscription that is interested in the type."""
        for id in ids if change is not None else ():
            held = step.held(id)
            if held is None or held.interest is None or not held.counts(commit.recorded):
                continue
            sight = await self._sight(step, held.standing.owner)
            if change is not None and sight and await sight.is_event(held.interest, change):
                step.count(held, change, commit)

    async def _sight(self, step: _Step, owner: Owner) -> Sight | None:
        """What the owner of a subscription may see; asked once in a step."""
        if owner not in step.sights:
            try:
                step.sights[owner] = await sight_of(self._context, await self._owners.principal(owner))
            except OwnerGone:  # whoever delivers says so
                step.sights[owner] = None
        return step.sights[owner]

    async def _change(self, commit: Commit, key: Key, number: int, kinds: frozenset[str]) -> Change | None:
        store = self._context.store
        version = await store.read_version(key.type, key.id, number)
        if version is None:
            return None
        before = await store.read_version(key.type, key.id, number - 1) if number > 1 else None
        known = before is not None and not before.deleted
        return Change(
            Seen(version, store),
            Seen(before, store) if known and before is not None else None,
            kinds,
            version.position == commit.position,
        )

    async def _topic(self, step: _Step, key: Key, number: int) -> None:
        version = await self._context.store.read_version(key.type, key.id, number)
        if version is not None and (not version.content or is_topic(loads(version.content))):
            await self._understand(step)

    async def _stand(self, step: _Step, commit: Commit, key: Key, number: int) -> None:
        """A Subscription was made, changed or deleted."""
        version = await self._context.store.read_version(key.type, key.id, number)
        if version is None:
            return
        before, wanted = step.held(key.id), self._wanted(version)
        standing = before.standing if before else Standing(key.id, 0, 0, Owner(), commit.recorded)
        asked = before.wanted if before and standing.version else None
        owner = owner_after(standing.owner, asked, None if version.deleted else wanted, commit.statement)
        standing = replace(standing, version=0 if version.deleted else number, owner=owner)
        await ready(self._context)
        step.stand(interested(self._context, Held(wanted, standing, version.recorded)))


def _touched(commit: Commit) -> dict[Key, tuple[int, frozenset[str]]]:
    """The resources that a commit's events are about, each with its version after them and their kinds."""
    found: dict[Key, tuple[int, frozenset[str]]] = {}
    for event in commit.events:
        if event["e"] != "noted":
            key = Key(event["type"], event["id"])
            _, kinds = found.get(key, (0, frozenset[str]()))
            found[key] = event["version"], kinds | {event["e"]}
    return found
