"""How a connector is doing, told to every process: one cell beside its lease, written by whoever works on it.

A second cell has what others ask of it: the number of the last sync that was asked for.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from adapters.runner.pace import Pace
from adapters.runner.rate import Rate
from fhirserver.kernel.instants import instant, parse_instant
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.cells import Cell, Cells

STATUS, REQUEST = "connector/", "request/"
REPORT_SECONDS: Final = 0.25
_TRIES: Final = 5
_LASTING: Final = frozenset({"lastExchange", "lastPull", "lastPush", "handled"})


@dataclass(slots=True)
class Doing:
    """What the process that works on a connector knows of it."""

    pace: Pace
    rate: Rate
    process: str
    since: str
    state: str = "running"
    syncing: bool = False
    handled: int = 0
    last_exchange: datetime | None = None
    last_pull: datetime | None = None
    last_push: datetime | None = None
    tally: Counter[str] = field(default_factory=Counter)

    def as_json(self, now: float) -> JsonObject:
        """The cell's value; ``now`` in monotonic seconds."""
        last = max(filter(None, (self.last_exchange, self.pace.last)), default=None)
        told = {"lastExchange": last, "lastPull": self.last_pull, "lastPush": self.last_push}
        per_second = self.rate.per_second
        return {
            "state": self.state,
            "process": self.process,
            "since": self.since,
            "syncing": self.syncing,
            "handled": self.handled,
            "breaker": self.pace.breaker(now),
            "error": self.pace.error,
            "rate": round(per_second, 2) if per_second != float("inf") else 0,
            "requests": round(self.rate.observed(), 1),
            "counts": dict(self.tally),
            **{name: instant(at) for name, at in told.items() if at is not None},
        }

    def remember(self, value: JsonObject) -> None:
        """Take over from the process before: when the EHR last answered, and which syncs were done."""
        self.last_exchange = _at(value, "lastExchange")
        self.last_pull, self.last_push = _at(value, "lastPull"), _at(value, "lastPush")
        self.handled = int(value.get("handled", 0))


def _at(value: JsonObject, name: str) -> datetime | None:
    return parse_instant(value[name]) if name in value else None


async def ask(cells: Cells, name: str) -> int:
    """Ask for a sync. The number it has; 0 where somebody else asked at this very moment."""
    seen = await cells.read(REQUEST + name)
    number = (int(seen.value["number"]) if seen else 0) + 1
    done = await cells.swap(REQUEST + name, seen.revision if seen else 0, {"number": number})
    return number if done else 0


async def asked(cells: Cells, name: str) -> int:
    """The number of the last sync that was asked for; 0 for none."""
    seen = await cells.read(REQUEST + name)
    return int(seen.value["number"]) if seen else 0


async def tell(cells: Cells, name: str, value: JsonObject) -> None:
    """Put the status, whatever was there: only who holds the lease tells."""
    for _ in range(_TRIES):
        seen = await cells.read(STATUS + name)
        if seen is not None and seen.value == value:
            return
        if await cells.swap(STATUS + name, seen.revision if seen else 0, value):
            return


async def tell_unable(cells: Cells, process: str, name: str, problem: str) -> None:
    """Put that ``process``, which holds the lease, cannot begin; when the EHR was last heard stays."""
    seen = await told(cells, name)
    kept = {part: value for part, value in (seen.value if seen else {}).items() if part in _LASTING}
    await tell(cells, name, {**kept, "state": "failed", "process": process, "error": problem})


async def told(cells: Cells, name: str) -> Cell | None:
    """What was told last."""
    return await cells.read(STATUS + name)
