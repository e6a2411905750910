"""The projection: rows with the position in the log that they stand for, kept as a journal.

Each step is one entry, with the rows that it changed *and* how far the log has been read: appended where the journal
ends, or not at all. So a step counts once, whoever makes it and whenever a process is killed. All of it follows from
the log: a later generation, made anew from its beginning, has the same rows.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import islice
from typing import Final

from fhirserver.interactions.analytics.deriving import TYPES, derive
from fhirserver.interactions.analytics.rows import Dictionary, Rows
from fhirserver.interactions.events.event import changes_of
from fhirserver.kernel.ids import new_id
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.journals import Journals
from fhirserver.ports.log import Commit
from fhirserver.ports.shelf import Shelf
from fhirserver.store.store import Store

SHAPE: Final = 1
"""Of the rows. What was kept in another shape is made anew."""
_PREFIX: Final = f"analytics/{SHAPE}/"
_WHOLE: Final = f"analytics.whole/{SHAPE}/"
"""Journals with all rows there were when a generation began, which its first step names."""
_LOT: Final = 200
_READ: Final = 50
_CHUNK: Final = 500
_CHUNKS: Final = 4
"""Read at once."""
_MOST_ENTRIES: Final = 5000
"""After so many steps the rows are written down whole, and what led to them is let go of."""


log = logging.getLogger("credence.analytics")


class Projection:
    """The rows as one process knows them."""

    def __init__(self, store: Store, shelves: Callable[[], Shelf] = Dictionary):
        """``shelves`` gives the places where rows are kept, of which there are two while they are made anew."""
        self._store, self._shelves = store, shelves
        self._generation = 0
        self._entries = 0
        self.position = 0
        self.rows = Rows(shelves())
        self._turn = asyncio.Lock()

    @property
    def _journals(self) -> Journals:
        """Asked for when they are needed: a storage that is not open yet may have none."""
        return self._store.storage.journals

    @property
    def _name(self) -> str:
        return f"{_PREFIX}{self._generation:08d}"

    async def catch_up(self) -> None:
        """Know what has been written, by whatever process."""
        async with self._turn:
            await self._catch_up()

    async def _catch_up(self) -> None:
        names = await self._journals.names(_PREFIX)
        newest = int(names[-1].rpartition("/")[2]) if names else 0
        if newest != self._generation:
            self._generation, self._entries, self.position = newest, 0, 0
            self._replace(Rows(self._shelves()))
        while entries := await self._journals.read(self._name, self._entries, _READ):
            for entry in entries:
                if not await self._take(entry.value):
                    await self._begin_again(newest)
                    return
            self._entries = entries[-1].number

    async def _take(self, step: JsonObject) -> bool:
        """Take up a step, or all that was written down before; False where that is not there whole any more."""
        taken, name = 0, str(step.get("whole", ""))
        while name and (chunks := await self._journals.read(name, taken, _CHUNKS)):
            for chunk in chunks:
                self.rows.take(chunk.value["rows"])
            taken += len(chunks)
        self.rows.take(step["rows"])
        self.position = int(step["position"])
        return taken == int(step.get("chunks", 0))

    async def _begin_again(self, lost: int) -> None:
        """A later generation has taken the place of the one that was being read. Raises LookupError for none."""
        self._generation = -1
        names = await self._journals.names(_PREFIX)
        if not names or int(names[-1].rpartition("/")[2]) <= lost:
            raise LookupError("the rows of analytics are not whole: credence rebuild makes them anew")
        await self._catch_up()

    def _replace(self, rows: Rows) -> None:
        before, self.rows = self.rows, rows
        before.shelf.close()

    @asynccontextmanager
    async def now(self) -> AsyncIterator[tuple[int, Rows]]:
        """How far the log has been counted, and the rows as of then, which do not change as long as the block lasts:
        to be worked with in a thread. Whoever else wants them waits."""
        async with self._turn:
            await self._catch_up()
            yield self.position, self.rows

    async def step(self) -> bool:
        """Take up the next commits; False where there are none, or somebody else has taken them up."""
        async with self._turn:
            await self._catch_up()
            try:
                if self._entries >= _MOST_ENTRIES:
                    await self._settle()
                return await self._take_up()
            except BaseException:
                self._generation = -1  # nobody knows what came of it: what is kept is what holds
                raise

    async def _take_up(self) -> bool:
        projected = (await self._store.storage.head()).projected
        commits = [
            one for one in await self._store.read_log(self.position, _LOT) if one.position <= projected
        ]
        if not commits:
            return False
        for commit in commits:
            await self._derive(commit)
        last = commits[-1].position
        entry: JsonObject = {"position": last, "rows": self.rows.changes()}
        if not await self._journals.append(self._name, self._entries, [entry]):
            self._generation = -1  # somebody else was faster: what is kept is what holds
            return False
        self.position, self._entries = last, self._entries + 1
        return True

    async def _settle(self) -> None:
        """Write the rows down whole, bit by bit, and begin the next generation with them, in one step; then let go of
        the ones before."""
        self.rows.changes()
        before, generation = self._name, self._generation + 1
        whole = f"{_WHOLE}{generation:08d}/{new_id()}"
        rows, chunks = self.rows.shelf.all(), 0
        while chunk := dict(islice(rows, _CHUNK)):
            await self._journals.append(whole, chunks, [{"rows": chunk}])
            chunks += 1
        self._generation = generation
        begun: JsonObject = {"position": self.position, "rows": {}, "whole": whole, "chunks": chunks}
        if await self._journals.append(self._name, 0, [begun]):
            self._entries = 1
            await self._journals.remove(before)
            await self._forget(generation)
        else:
            self._generation = -1
            await self._journals.remove(whole)

    async def _forget(self, generation: int) -> None:
        """Let go of what was written down for earlier generations, also by who did not get to the end of it."""
        for name in await self._journals.names(_WHOLE):
            if int(name.split("/")[2]) < generation:
                await self._journals.remove(name)

    async def rebuild(self) -> None:
        """Make the rows anew from the beginning of the log. What was known is known until that is done."""
        async with self._turn:
            await self._catch_up()
            fresh, generation = Projection(self._store, self._shelves), self._generation
            while await fresh._read_on():
                pass
            self._replace(fresh.rows)
            self.position = fresh.position
            self._generation = generation
            try:
                await self._settle()
            except BaseException:
                self._generation = -1  # nobody knows what came of it: what is kept is what holds
                raise

    async def _read_on(self) -> bool:
        """The same as a step, of which nothing is kept."""
        commits = await self._store.read_log(self.position, _LOT)
        for commit in commits:
            await self._derive(commit)
            self.position = commit.position
        self.rows.changes()
        return bool(commits)

    async def _derive(self, commit: Commit) -> None:
        changes = await changes_of(self._store, commit, TYPES)
        try:
            derive(self.rows, commit, [one.changed for one in changes])
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            # A client wrote what nobody expects there. It fails at the same place again, so rows stay the same.
            log.warning("commit %d is not counted whole: %s", commit.position, type(error).__name__)
