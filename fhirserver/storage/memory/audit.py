"""The audit trail in memory. Nothing here awaits, so every call is atomic."""

from __future__ import annotations

from collections.abc import Sequence

from fhirserver.ports.audit import Sealed


class MemoryTrail:
    """See :class:`fhirserver.ports.audit.Trail`."""

    def __init__(self) -> None:
        self._batches: dict[int, Sealed] = {}

    async def append(self, batch: Sealed) -> bool:
        if batch.number != max(self._batches, default=0) + 1:
            return False
        self._batches[batch.number] = batch
        return True

    async def last(self) -> Sealed | None:
        return self._batches[max(self._batches)] if self._batches else None

    async def read(self, after: int, limit: int) -> Sequence[Sealed]:
        numbers = sorted(number for number in self._batches if number > after)
        return [self._batches[number] for number in numbers[:limit]]

    async def between(self, low: int, high: int) -> Sequence[int]:
        return [n for n, one in sorted(self._batches.items()) if one.until >= low and one.since < high]

    async def drop(self, number: int) -> int:
        gone = [n for n in self._batches if n <= number and n != max(self._batches)]
        for n in gone:
            del self._batches[n]
        return len(gone)
