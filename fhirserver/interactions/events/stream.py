"""A subscriber's stream of events: from a place in the log on, for as long as it may go on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from fhirserver.access.audit.hidden import AUDIT
from fhirserver.access.guarded import GuardedStore
from fhirserver.access.principals import PRIVACY, Principal
from fhirserver.interactions.events.event import DomainEvent, Filter
from fhirserver.interactions.events.place import Place, place_of
from fhirserver.interactions.events.tail import EventTail
from fhirserver.interactions.exchange import Context
from fhirserver.interactions.subscription.sight import sight_of
from fhirserver.kernel.instants import microseconds
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.store.as_of import last_before

QUIET_SECONDS: Final = 15.0
"""How long nothing is sent while nothing happens: proxies cut off what is silent."""
LOOK_SECONDS: Final = 1.0
"""How soon a stream sees that the server is about to stop, or that it may not go on."""


@dataclass(frozen=True, slots=True)
class Beat:
    """Nothing of interest up to this place."""

    place: Place


Item: TypeAlias = DomainEvent | Beat


class Teller:
    """Tells one principal of events, as far as they may know of them at that moment."""

    def __init__(self, context: Context, principal: Principal):
        self._context, self._principal = context, principal

    async def may_know(self, event: DomainEvent) -> bool:
        """Whether the version that an event is about may be seen."""
        if event.key.type == AUDIT:
            return self._principal.may(PRIVACY)
        if self._principal.permissions is None:
            return True
        sight = await sight_of(self._context, self._principal)
        store = sight.context.store
        assert isinstance(store, GuardedStore)
        version = await self._context.store.read_version(*event.key, event.version)
        try:
            return version is not None and await store.shows(version)
        except Refusal:  # what it is allowed by cannot be asked any more
            return False


async def begin(tail: EventTail, context: Context, last_event_id: str, since: str) -> Place:
    """Where a stream begins: behind the event that was seen last, at a moment, or now.

    Raises a refusal (400) for an id that is none of this log, and a moment still to come.
    """
    head = await tail.head()
    if last_event_id:
        found = place_of(last_event_id)
        if found is None or found > head:
            text = "This is no id of an event of this log: send the last one that came, or begin without"
            raise refuse(Category.INVALID, "value", text, "Last-Event-ID")
        return found
    if not since:
        return head
    moment = microseconds(since)
    if moment > microseconds(context.store.now()):
        raise refuse(Category.INVALID, "value", "This is still to come", "since")
    return Place((await last_before(context.store, moment)).position + 1, 0)


async def stream(
    tail: EventTail,
    teller: Teller,
    after: Place,
    wanted: Filter,
    may_go_on: Callable[[], Awaitable[bool]],
    ending: asyncio.Event,
) -> AsyncIterator[Item]:
    """Events from a place on, in order, each once; a :class:`Beat` at the beginning and wherever it is quiet.

    Ends when the server is about to stop, or when it may not go on.
    """
    clock = asyncio.get_running_loop().time
    told, looked = clock(), clock()
    yield Beat(after)
    while not ending.is_set():
        if clock() - looked >= LOOK_SECONDS:
            looked = clock()
            if not await may_go_on():
                return
        events, reached = await tail.read(after, wanted)
        for event in events:
            if await teller.may_know(event):
                yield event
                told = clock()
        if reached == after:
            await tail.wait(after, LOOK_SECONDS)
        after = reached
        if clock() - told >= QUIET_SECONDS:
            yield Beat(after)
            told = clock()


async def page(
    tail: EventTail, teller: Teller, after: Place, wanted: Filter, limit: int, most_commits: int = 2000
) -> tuple[list[DomainEvent], Place, bool]:
    """At most ``limit`` events from a place on, where to go on, and whether there may be more at once."""
    found: list[DomainEvent] = []
    first = after.position
    while True:
        events, reached = await tail.read(after, wanted)
        for event in events:
            if len(found) == limit:
                return found, found[-1].place, True
            if await teller.may_know(event):
                found.append(event)
        if reached == after:
            return found, after, False
        after = reached
        if after.position - first >= most_commits:
            return found, after, True
