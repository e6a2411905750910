"""The connectors as the rest of the server sees them, from whichever process: how they are, and what can be asked.

What a connector is is said by an Endpoint (docs/connectors.md); which process works on it is the runner's affair.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Protocol

from fhirserver.ports.storage import Key

FRESH, STALE, QUIET = timedelta(minutes=5), timedelta(minutes=60), timedelta(hours=24)


def freshness(last: datetime | None, now: datetime) -> str:
    """How old the last successful exchange with an EHR is, as a word.

    ``fresh``: less than 5 minutes; ``stale``: to 60; ``quiet``: more; ``never``: none in 24 hours.
    """
    age = now - last if last is not None else QUIET
    if age >= QUIET:
        return "never"
    if age > STALE:
        return "quiet"
    return "stale" if age >= FRESH else "fresh"


class Asked(Enum):
    """What came of asking for a sync."""

    ACCEPTED = "accepted"
    RUNNING = "running"
    PAUSED = "paused"
    DOWN = "down"
    """The circuit breaker is open: the EHR does not answer."""
    IDLE = "idle"
    """No process works on the connector, or it has nothing to pull."""


@dataclass(frozen=True, slots=True)
class ConnectorStatus:
    """One connector. Instants are FHIR's, empty for never; ``state`` is ``running``, ``paused``, ``closed`` (outside
    its hours), ``starting`` (no process has it yet), ``failed`` (it cannot begin, ``error`` says why; it is tried
    again), ``stopping`` (to end or pause), ``off`` or ``refused``.

    ``lag`` is the age in seconds of the oldest change that waits for the EHR, ``queue`` how many wait;
    ``breaker`` is ``closed``, ``open`` or ``half-open``; ``error`` the class of the last failure;
    ``rate`` requests per second allowed (0: no limit) and ``requests`` those of late; ``counts`` are since
    ``since``, when the process that works on it began.
    """

    name: str
    endpoint: str
    kind: str = ""
    source: str = ""
    state: str = "starting"
    problem: str = ""
    process: str = ""
    since: str = ""
    freshness: str = "never"
    last_exchange: str = ""
    last_pull: str = ""
    last_push: str = ""
    syncing: bool = False
    queue: int = 0
    lag: float = 0.0
    dead_letters: int = 0
    breaker: str = "closed"
    error: str = ""
    rate: float = 0.0
    requests: float = 0.0
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UnitRehearsed:
    """One unit of a resource: whether it would be written, and why or why not. No value."""

    unit: str
    leaves: bool
    reason: str
    confidence: str = ""
    gate: str = ""


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What would be written to an EHR about one resource: ``operation`` is ``create``, ``update`` or ``none``.

    ``task`` is the id of the open writeback, where there is one; ``waits_for`` what the resource refers to and the
    EHR does not have. ``content`` is the record as it would be sent, empty for ``none``.
    """

    key: Key
    operation: str
    units: Sequence[UnitRehearsed]
    record: str = ""
    task: str = ""
    waits_for: str = ""
    content: Mapping[str, object] = field(default_factory=dict, repr=False)


class Connectors(Protocol):
    """All connectors there are."""

    async def names(self) -> Sequence[str]:
        """Their names in order."""
        ...

    async def named(self, endpoint: str) -> str:
        """The name of the connector that an Endpoint is; empty where it is none."""
        ...

    async def status(self, name: str) -> ConnectorStatus: ...

    async def sync(self, name: str) -> Asked:
        """Ask for a pull now, also outside its hours, and for what waits to be pushed."""
        ...

    async def rehearse(self, name: str, keys: Sequence[Key]) -> Sequence[Rehearsed]:
        """What would be written, of all open writebacks where no resource is named. Nothing is sent or stored."""
        ...
