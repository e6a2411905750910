"""Access records in memory: as durable as anything there. Nothing here awaits, so every call is atomic."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from fhirserver.kernel.json import JsonObject, dumps, loads
from fhirserver.ports.access_records import AccessRecord


class MemoryAccessRecords:
    """See :class:`fhirserver.ports.access_records.AccessRecords`. ``now``: seconds since 1970."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._records: dict[str, tuple[int, bytes, int | None]] = {}

    async def read(self, key: str) -> AccessRecord | None:
        found = self._live(key)
        return AccessRecord(key, found[0], loads(found[1]), found[2]) if found else None

    async def find(self, prefix: str, after: str = "", limit: int = 1000) -> Sequence[AccessRecord]:
        keys = sorted(key for key in self._records if key.startswith(prefix) and key > after)
        found = ((key, self._live(key)) for key in keys)
        live = [AccessRecord(key, one[0], loads(one[1]), one[2]) for key, one in found if one]
        return live[:limit]

    def _live(self, key: str) -> tuple[int, bytes, int | None] | None:
        found = self._records.get(key)
        return None if found is None or self._is_over(found[2]) else found

    def _is_over(self, expires: int | None) -> bool:
        return expires is not None and expires <= self._now()

    def _revision(self, key: str) -> int:
        found = self._live(key)
        return found[0] if found else 0

    async def swap(self, key: str, revision: int, value: JsonObject, expires: int | None = None) -> bool:
        if self._revision(key) != revision:
            return False
        self._records[key] = (revision + 1, dumps(value), expires)
        return True

    async def remove(self, key: str, revision: int) -> bool:
        if not revision or self._revision(key) != revision:
            return False
        del self._records[key]
        return True

    async def forget_expired(self, most: int = 1000) -> int:
        over = [key for key, (_, _, expires) in self._records.items() if self._is_over(expires)][:most]
        for key in over:
            del self._records[key]
        return len(over)
