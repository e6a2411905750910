"""The search space of contained resources follows the log, when somebody asks or nobody does.

No write knows of it. https://hl7.org/fhir/R4/search.html#contained
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from typing import Final

from fhirserver.kernel.json import JsonObject, loads
from fhirserver.ports.contained import BITS, PLACE, Container, Inside, Reached
from fhirserver.ports.log import Commit
from fhirserver.ports.storage import Key, Page, Row, Storage
from fhirserver.search.expression import Query
from fhirserver.search.index import placed
from fhirserver.search.values import IndexValue, ReferenceValue
from fhirserver.store.project import Extract, touched_keys
from fhirserver.store.search_parameters import SearchParameters

_FEWEST, _MOST_COMMITS = 5, 640
"""At once, as many as take a short time: a commit may be one resource, or a Bundle of megabytes."""
_SHORT_SECONDS, _LONG_SECONDS = 0.02, 0.1
_MOST: Final = 1 << BITS
_FORM: Final = "2:"
"""Stands before the commit that was reached; a space of another form is made again."""


class ContainedResources:
    """Keeps ``storage.contained`` up to date."""

    def __init__(self, storage: Storage, parameters: SearchParameters, extract: Extract):
        self._storage, self._parameters, self._extract = storage, parameters, extract
        self._at_once = 4 * _FEWEST

    async def search(self, query: Query) -> Page:
        """What is found in the space as it is now."""
        return await self._storage.contained.search(query)

    async def count(self, query: Query) -> int:
        """How much is found in the space as it is now."""
        return await self._storage.contained.count(query)

    async def catch_up(self, seconds: float = float("inf")) -> bool:
        """Follow the log to its end, for so long at most; others are answered in between. False: not there yet."""
        until = time.monotonic() + seconds
        while await self.follow_some():
            if time.monotonic() > until:
                return False
            await asyncio.sleep(0)
        return True

    async def follow_some(self) -> bool:
        """Take in some more commits; False when there are none left."""
        begun = time.monotonic()
        more = await self._follow(self._at_once)
        took = time.monotonic() - begun
        if took < _SHORT_SECONDS:
            self._at_once = min(2 * self._at_once, _MOST_COMMITS)
        elif took > _LONG_SECONDS:
            self._at_once = max(self._at_once // 2, _FEWEST)
        return more

    async def _follow(self, count: int) -> bool:
        await self._parameters.refresh()
        index = self._storage.contained
        reached, head = await index.reached(), await self._storage.head()
        if reached.position == head.projected and not reached.position:
            return False
        commits = await self._storage.read_log(max(reached.position - 1, 0), count + 1)
        if not self._is_ours(reached, commits):
            await index.clear()
            return True
        fresh = [one for one in commits if reached.position < one.position <= head.projected]
        if not fresh:
            return False
        after = Reached(fresh[-1].position, _FORM + fresh[-1].id, self._parameters.changed)
        await self._take_in(reached, after, touched_keys(fresh))
        return True

    def _is_ours(self, reached: Reached, commits: Sequence[Commit]) -> bool:
        """Whether the space followed this very log (not one that a backup replaced), by today's parameters."""
        if not reached.position:
            return True
        if reached.parameters != self._parameters.changed or not commits:
            return False
        return (commits[0].position, _FORM + commits[0].id) == (reached.position, reached.commit)

    async def _take_in(self, before: Reached, after: Reached, keys: Iterable[Key]) -> None:
        """Where another process was faster, what is newest is put once more: it must not be overwritten."""
        wanted = sorted(keys)
        while not await self._storage.contained.put(before, after, await self._containers(wanted)):
            before = after = await self._storage.contained.reached()

    async def _containers(self, keys: Sequence[Key]) -> list[Container]:
        rows = await self._storage.rows(keys)
        return [self._container(key, rows[key]) for key in keys if key in rows]

    def _container(self, key: Key, row: Row) -> Container:
        version = row.version
        holds = not version.deleted and b'"contained"' in version.content
        inside = self._inside(version.content, str(key)) if holds else ()
        return Container(key, row.pk, version.version, version.recorded, inside)

    def _inside(self, content: bytes, container: str) -> Sequence[Inside]:
        held = loads(content).get("contained") or ()
        return [
            Inside(one["resourceType"], one["id"], self._values(one, container), at)
            for at, one in enumerate(held[:_MOST])
            if isinstance(one.get("id"), str) and isinstance(one.get("resourceType"), str)
        ]

    def _values(self, one: JsonObject, container: str) -> list[IndexValue]:
        """The index values of a contained resource, with its own place."""
        place = ReferenceValue(PLACE, "", f"{container}#{one['id']}")
        return [place, *dict.fromkeys(placed(self._extract(one), container))]
