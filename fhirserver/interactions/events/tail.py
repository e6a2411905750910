"""The events at the end of the log, worked out once for all who follow them in this process.

Who is far behind reads the log alone, so that nobody waits for them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from fhirserver.interactions.events.event import DomainEvent, Filter, events_of
from fhirserver.interactions.events.place import Place
from fhirserver.ports.log import Commit
from fhirserver.store.store import Store

LOT: Final = 100
"""Commits that are read at a time."""
_KEPT: Final = 2000
"""Commits from the end of the log whose events are kept at hand: a few hundred bytes for each event."""
_WATCH_SECONDS: Final = 1.0


class EventTail:
    """Reads events from the log of one store, which is seen whole: who may be told of what is asked elsewhere."""

    def __init__(self, store: Store):
        self._store = store
        self._kept: OrderedDict[int, Sequence[DomainEvent]] = OrderedDict()
        self._turn = asyncio.Lock()
        self._watching: asyncio.Task[None] | None = None

    async def head(self) -> Place:
        """Behind everything that has happened so far."""
        return Place((await self._store.storage.head()).projected + 1, 0)

    async def read(self, after: Place, wanted: Filter) -> tuple[list[DomainEvent], Place]:
        """The next events behind a place that are wanted, of a lot of commits, and the place behind that lot.

        The place is the same where there is nothing behind it.
        """
        commits = await self._commits(after)
        found: list[DomainEvent] = []
        for commit in commits:
            told = await self._events(commit, wanted)
            found += [event for event in told if event.place > after and wanted.takes(event)]
        return found, Place(commits[-1].position + 1, 0) if commits else after

    async def _commits(self, after: Place) -> Sequence[Commit]:
        """The commits that come next and whose projection can be read."""
        commits = await self._store.read_log(after.position - 1, LOT)
        if commits and commits[-1].position not in self._kept:
            projected = (await self._store.storage.head()).projected
            commits = [one for one in commits if one.position <= projected]
        return commits

    async def _events(self, commit: Commit, wanted: Filter) -> Sequence[DomainEvent]:
        known = self._kept.get(commit.position)
        if known is not None:
            return known
        if commit.position <= self._store.head - _KEPT:
            return await events_of(self._store, commit, wanted.resources)
        async with self._turn:
            known = self._kept.get(commit.position)
            if known is None:
                known = self._kept[commit.position] = await events_of(self._store, commit)
                while len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
            return known

    async def wait(self, after: Place, seconds: float) -> None:
        """Wait until there may be something behind a place, at most so long. All who wait look at the log once."""
        if self._store.head >= after.position:
            return
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch(after.position - 1), name="event-tail")
        await asyncio.wait({self._watching}, timeout=seconds)

    async def _watch(self, position: int) -> None:
        with contextlib.suppress(Exception):  # who reads next is told what is wrong with the storage
            await self._store.wait_beyond(position, _WATCH_SECONDS)
