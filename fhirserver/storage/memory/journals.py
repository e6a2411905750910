"""Journals in memory. Nothing here awaits, so every call is atomic."""

from __future__ import annotations

from collections.abc import Sequence

from fhirserver.kernel.json import JsonObject, dumps, loads
from fhirserver.ports.journals import Entry


class MemoryJournals:
    """See :class:`fhirserver.ports.journals.Journals`."""

    def __init__(self) -> None:
        self._journals: dict[str, list[bytes]] = {}

    async def append(self, name: str, after: int, values: Sequence[JsonObject]) -> bool:
        journal = self._journals.get(name, [])
        if len(journal) != after:
            return False
        if values:
            self._journals[name] = journal
            journal += map(dumps, values)
        return True

    async def read(self, name: str, after: int = 0, limit: int = 1000) -> Sequence[Entry]:
        found = self._journals.get(name, [])[after : after + limit]
        return [Entry(after + place, loads(value)) for place, value in enumerate(found, 1)]

    async def names(self, prefix: str, after: str = "", limit: int = 1000) -> Sequence[str]:
        return sorted(name for name in self._journals if name.startswith(prefix) and name > after)[:limit]

    async def remove(self, name: str) -> None:
        self._journals.pop(name, None)
