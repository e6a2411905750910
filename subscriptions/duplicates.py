"""The follower that finds probable duplicates: a patient who is new or changed is compared with those there are.

What may be one person with another becomes an item for an operator. What was missed (a process without this follower,
a patient loaded in a way it does not see) a sweep over all patients finds, a few at a time. Both are slow work that
nobody waits for, so while many write it takes only a small part of the time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from fhirserver.kernel.instants import Clock, SystemClock, instant
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.ports.log import Commit
from fhirserver.ports.storage import Version
from fhirserver.search.cursor import decode
from fhirserver.search.expression import Query
from fhirserver.store.candidates import candidates, is_replaced
from fhirserver.store.commands import Write
from fhirserver.store.duplicates import called_off, raised
from fhirserver.store.growth import Growth
from fhirserver.store.store import Store
from fhirserver.world.duplicates import pair_key
from fhirserver.world.identity.scoring import Grade

AT_A_TIME: Final = 20
"""Commits that are handled at a time: comparing is slow, and what was found is kept with each."""
PAGE: Final = 25
"""Patients that the sweep looks at each time it is asked."""
PAUSE_SECONDS: Final = 6 * 3600.0
"""Between two sweeps."""
MOST_PAIRS: Final = 5
"""Pairs of one patient that are asked about at a time: the surest."""
BUSY: Final = 20.0
"""Commits a second from which others' work comes first."""
_SHARE, _BUSY_SHARE = 0.5, 0.05
"""The part of the time that this takes: when nobody waits, and when others do."""
_IDENTIFYING: Final = frozenset({"identifier", "name", "birthDate", "gender", "telecom", "address", "link"})


class Duplicates:
    """Follows the log; see the module."""

    name = "duplicates"

    def __init__(
        self,
        store: Store,
        clock: Clock | None = None,
        pause: float = PAUSE_SECONDS,
        busy: Callable[[], bool] = lambda: False,
    ):
        """``pause``: seconds between two sweeps. ``busy``: whether others are at work for whom somebody waits."""
        self._store, self._clock, self._pause, self._busy = store, clock or SystemClock(), pause, busy
        self._cursor = ""
        self._swept = float("-inf")
        self._growth = Growth(lambda: store.head)

    async def effects(self, commits: Sequence[Commit]) -> Sequence[Write]:
        """Items about the patients that the commits made or changed."""
        touched = dict.fromkeys(id for commit in commits for id in _touched(commit))
        return await self._items(touched, commits[-1].recorded)

    async def overdue(self) -> Sequence[Write]:
        """Items about the next few patients of the sweep."""
        if time.monotonic() - self._swept < self._pause:
            return ()
        query = Query("Patient", count=PAGE, cursor=decode(self._cursor, ()) if self._cursor else None)
        page = await self._store.search(query)
        self._cursor = page.cursor
        if not page.cursor:
            self._swept = time.monotonic()
        return await self._items([version.id for version in page.versions], instant(self._clock.now()))

    async def _items(self, ids: Iterable[str], at: str) -> list[Write]:
        writes: list[Write] = []
        asked: set[str] = set()
        for id in ids:
            begun = time.monotonic()
            version = await self._store.read("Patient", id)
            if version is not None:
                writes += await self._of(version, at, asked)
            await asyncio.sleep(self._rest(time.monotonic() - begun))
        return writes

    async def _of(self, version: Version, at: str, asked: set[str]) -> Sequence[Write]:
        """The writes that follow from one patient as it is now."""
        patient: JsonObject = {} if version.deleted else loads(version.content)
        if version.deleted or is_replaced(patient):
            return await called_off(self._store, version.id)
        found = await candidates(self._store, patient, {version.id}, Grade.POSSIBLE)
        writes: list[Write] = []
        for one in found[:MOST_PAIRS]:
            pair = pair_key(version.id, one.version.id)
            if pair not in asked:
                asked.add(pair)
                writes += await raised(self._store, version.id, one.version.id, one.score, at)
        return writes

    def _rest(self, took: float) -> float:
        """How long to leave the processor to others after so long at work."""
        share = _BUSY_SHARE if self._growth.rate > BUSY or self._busy() else _SHARE
        return took * (1 - share) / share


def _touched(commit: Commit) -> Iterable[str]:
    """The patients about whom a commit says something that identifies them, or that they are no more."""
    for event in commit.events:
        if event.get("type") != "Patient" or event["e"] == "noted":
            continue
        stated = event.get("content", {}).keys() | event.get("absent", ())
        if event["e"] != "asserted" or "pk" in event or not _IDENTIFYING.isdisjoint(stated):
            yield event["id"]
