"""Records on their way in from several sources at once: two about one person must not both become new.

Whoever takes in a record new to its source holds its place here from before it looks for counterparts until it
has committed. A record of another source that is certainly about the same waits for that, and then finds it.
Processes do not know each other's; what two of them take in at the same moment is found as a duplicate.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

from fhirserver.kernel.json import JsonObject
from fhirserver.world.identity.entities import COMPARED
from fhirserver.world.identity.person import Person, person_of
from fhirserver.world.identity.scoring import Grade, score

RESOLVED: Final = frozenset({"Patient", *COMPARED})
"""The types whose records are looked for among what is stored."""
PATIENCE = 10.0
"""Seconds after which an arrival waits no longer for another: two that wait for each other must come to an end."""


@dataclass(slots=True, eq=False)
class _Arrival:
    source: str
    content: JsonObject
    person: Person | None
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def is_same(self, other: _Arrival) -> bool:
        """Whether the two are certainly about the same."""
        type = self.content["resourceType"]
        if type != other.content["resourceType"]:
            return False
        if self.person is not None and other.person is not None:
            return score(self.person, other.person).grade is Grade.CERTAIN
        return COMPARED[type](self.content, other.content) is Grade.CERTAIN


class Arrivals:
    """The arrivals of one process."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._pending: list[_Arrival] = []

    @contextlib.asynccontextmanager
    async def of(self, source: str, content: JsonObject) -> AsyncIterator[None]:
        """Hold the place of a record of a source. Its references are the world's, its type one of :data:`RESOLVED`.

        Records of one source do not wait for each other: each is a resource of its own.
        """
        person = person_of(content) if content["resourceType"] == "Patient" else None
        mine = _Arrival(source, content, person)
        while (rival := self._rival(mine)) is not None:
            try:
                await asyncio.wait_for(rival.over.wait(), self._patience)
            except TimeoutError:
                break
        self._pending.append(mine)
        try:
            yield
        finally:
            self._pending.remove(mine)
            mine.over.set()

    def _rival(self, mine: _Arrival) -> _Arrival | None:
        others = (one for one in self._pending if one.source != mine.source)
        return next((one for one in others if one.is_same(mine)), None)
