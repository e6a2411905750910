"""The projection: rows with the position in the log that they stand for, kept as a journal.

Each step is one entry, with the rows that it changed *and* how far the log has been read: appended where the journal
ends, or not at all. So a step counts once, whoever makes it and whenever a process is killed. All of it follows from
the log: a later generation, made anew from its beginning, has the same rows.
"""

from __future__ import annotations

import asyncio
import logging
from itertools import islice
from typing import Final

from fhirserver.interactions.analytics.deriving import TYPES, derive
from fhirserver.interactions.analytics.rows import Rows
from fhirserver.interactions.events.event import changes_of
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.journals import Journals
from fhirserver.ports.log import Commit
from fhirserver.store.store import Store

SHAPE: Final = 1
"""Of the rows. What was kept in another shape is made anew."""
_PREFIX: Final = f"analytics/{SHAPE}/"
_LOT: Final = 200
_READ: Final = 500
_CHUNK: Final = 500
_MOST_ENTRIES: Final = 5000
"""After so many steps the rows are written down whole, and what led to them is let go of."""


log = logging.getLogger("credence.analytics")


class Projection:
    """The rows as one process knows them."""

    def __init__(self, store: Store):
        self._store = store
        self._generation = 0
        self._entries = 0
        self.position = 0
        self.rows = Rows()
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
            self._generation, self._entries, self.position, self.rows = newest, 0, 0, Rows()
        while entries := await self._journals.read(self._name, self._entries, _READ):
            for entry in entries:
                self.rows.take(entry.value["rows"])
                self.position = int(entry.value["position"])
            self._entries = entries[-1].number

    async def now(self) -> tuple[int, Rows]:
        """How far the log has been counted, and the rows as of then, which will not change: to be worked with in a
        thread, where nobody else waits for it."""
        async with self._turn:
            await self._catch_up()
            return self.position, Rows(dict(self.rows.kept))

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
        """Write the rows down whole, under the next generation, in one step; then let go of the one before."""
        rows = iter(sorted(self.rows.kept.items()))
        chunks: list[JsonObject] = []
        while chunk := dict(islice(rows, _CHUNK)):
            chunks.append({"position": self.position, "rows": chunk})
        before, self._generation = self._name, self._generation + 1
        if await self._journals.append(self._name, 0, chunks or [{"position": self.position, "rows": {}}]):
            self._entries = max(1, len(chunks))
            await self._journals.remove(before)
        else:
            self._generation = -1

    async def rebuild(self) -> None:
        """Make the rows anew from the beginning of the log. What was known is known until that is done."""
        async with self._turn:
            await self._catch_up()
            fresh, generation = Projection(self._store), self._generation
            while await fresh._read_on():
                pass
            self.rows, self.position = fresh.rows, fresh.position
            self._generation = generation
            await self._settle()

    async def _read_on(self) -> bool:
        """The same as a step, of which nothing is kept."""
        commits = await self._store.read_log(self.position, _LOT)
        for commit in commits:
            await self._derive(commit)
            self.position = commit.position
        return bool(commits)

    async def _derive(self, commit: Commit) -> None:
        changes = await changes_of(self._store, commit, TYPES)
        try:
            derive(self.rows, commit, [one.changed for one in changes])
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            # A client wrote what nobody expects there. It fails at the same place again, so rows stay the same.
            log.warning("commit %d is not counted whole: %s", commit.position, type(error).__name__)
