"""Leases: which process works on which connector, one at a time, and how the processes share them.

No clock is compared between machines. A holder writes its cell anew all the time, so that its revision grows; whoever
wants the lease takes it when the revision has stood still for the lease's seconds *by its own clock*. The holder
counts its seconds from before it wrote, so its time is over first; work stops a margin earlier still
(:meth:`Leases.is_lost`). A holder that gave its lease back, or is surely gone, is not waited for. See ADR 16.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from adapters.runner.process import is_gone, this_process
from fhirserver.kernel.ids import new_id
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Refusal
from fhirserver.ports.cells import Cell, Cells

log = logging.getLogger("credence.runner")

LEASE, MEMBER = "lease/", "member/"
MARGIN = 0.3
"""The share of a lease's seconds before its end at which work on it stops."""
_FORGOTTEN_AFTER = 20
"""Leases' lengths after which the cell of a process that stands still is taken away."""


@dataclass(slots=True)
class _Held:
    revision: int
    until: float


class Leases:
    """This process's leases, and its part of them all. Seconds are monotonic.

    ``seconds`` is how long a lease lasts without being renewed: the bound for taking over from a process that died
    without a word. ``id`` tells this object from every other one.
    """

    def __init__(
        self,
        cells: Cells,
        seconds: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
        process: str = "",
    ):
        self._cells, self.seconds, self._clock = cells, seconds, clock
        self.id, self._process = new_id(), process or this_process()
        self._held: dict[str, _Held] = {}
        self._seen: dict[str, tuple[int, float]] = {}
        self.members = 1

    @property
    def held(self) -> frozenset[str]:
        """The names of the leases that this process has, lost ones among them until they are dropped."""
        return frozenset(self._held)

    def share(self, names: int) -> int:
        """How many of so many leases this process may hold."""
        return math.ceil(names / self.members)

    def is_lost(self, name: str) -> bool:
        """Whether work must stop, at once: the lease is not ours or soon may be another's."""
        held = self._held.get(name)
        return held is None or self._clock() >= held.until - self.seconds * MARGIN

    async def beat(self) -> None:
        """Say that this process lives, renew its leases, and count who else lives."""
        await self._swap(MEMBER + self.id, await self._cells.read(MEMBER + self.id))
        await self.count()
        for name in self.held:
            await self.renew(name)

    async def count(self) -> None:
        """Count the processes that share the leases."""
        self.members = max(1, sum([await self._lives(cell) for cell in await self._cells.find(MEMBER)]))

    async def _lives(self, cell: Cell) -> bool:
        if cell.value.get("holder") == self.id:
            return True
        still = self._still(cell)
        if is_gone(str(cell.value.get("process", ""))) or still > self.seconds * _FORGOTTEN_AFTER:
            await self._cells.remove(cell.key, cell.revision)
            return False
        return still < float(cell.value.get("seconds", self.seconds))

    async def take(self, name: str) -> bool:
        """Take a lease that nobody holds; False where somebody does, or was faster."""
        seen = await self._cells.read(LEASE + name)
        if seen is not None and not self._is_free(seen):
            return False
        at = self._clock()
        if not await self._swap(LEASE + name, seen):
            return False
        self._held[name] = _Held(seen.revision + 1 if seen else 1, at + self.seconds)
        return True

    def _is_free(self, cell: Cell) -> bool:
        """Whether its holder's time is over for sure."""
        holder = cell.value.get("holder")
        if not holder or holder == self.id or is_gone(str(cell.value.get("process", ""))):
            return True
        return self._still(cell) >= float(cell.value.get("seconds", self.seconds))

    def _still(self, cell: Cell) -> float:
        """For how long its revision has stood still in our eyes."""
        revision, since = self._seen.get(cell.key, (0, 0.0))
        if revision != cell.revision:
            self._seen[cell.key] = (cell.revision, self._clock())
            return 0.0
        return self._clock() - since

    async def renew(self, name: str) -> None:
        """Hold a lease longer. One that another has is dropped; what cannot be asked now runs out by itself."""
        seen = await self._cells.read(LEASE + name)
        at = self._clock()
        mine = seen is not None and seen.value.get("holder") == self.id
        if seen is None or not mine or not await self._swap(LEASE + name, seen):
            log.warning("the lease of %s is lost", name)
            del self._held[name]
            return
        self._held[name] = _Held(seen.revision + 1, at + self.seconds)

    async def release(self, name: str) -> None:
        """Give a lease back: the next one may have it at once. Call it when the work has ended."""
        held = self._held.pop(name, None)
        if held is not None:
            await self._cells.swap(LEASE + name, held.revision, {"holder": ""})

    async def leave(self) -> None:
        """Give all back, and be no longer among those who share."""
        for name in self.held:
            await self.release(name)
        if seen := await self._cells.read(MEMBER + self.id):
            await self._cells.remove(MEMBER + self.id, seen.revision)

    async def _swap(self, key: str, seen: Cell | None) -> bool:
        value: JsonObject = {"holder": self.id, "process": self._process, "seconds": self.seconds}
        return await self._cells.swap(key, seen.revision if seen else 0, value)

    async def take_share(self, names: Collection[str]) -> None:
        """Take free leases among ``names`` until this process has its share."""
        for name in sorted(set(names) - self.held):
            if len(self._held) >= self.share(len(names)):
                return
            await self.take(name)


async def beat_safely(leases: Leases) -> bool:
    """Beat; False where the storage did not answer. Then the leases run out by themselves."""
    try:
        await leases.beat()
    except Refusal as refusal:
        log.warning("leases could not be renewed: %s", refusal.category.name)
        return False
    return True
