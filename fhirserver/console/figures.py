"""Figures about the quality of data, counted from the log day by day.

Counting is bounded: a call reads the log for a short time and goes on where it stopped the next time, first what is
new, then back to the beginning of the period asked for. What was counted is kept; the log does not change.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from fhirserver.kernel.instants import parse_instant
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.log import Commit
from fhirserver.store.as_of import moment
from fhirserver.store.store import Store
from fhirserver.world.entity import source_of
from fhirserver.world.review import PENDING, is_review
from fhirserver.world.vocabulary import ACTIVITY, verification_status
from fhirserver.world.voices import speaker

SYSTEM = "credence"
_BATCH = 500
_WAITS = 2000
"""Review times kept for a day, the first ones; the median of so many is as good as that of all."""
DECISIONS = ("approve", "reject", "correct")
FINDINGS = {"verify": "verified", "doubt": "doubtful"}
"""The judge's rulings by kind, and what they are called; a contradicted claim is ruled doubtful too."""


@dataclass
class Day:
    """The counts of one day (UTC)."""

    by_source: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Statements by source and verification status."""
    by_type: Counter[tuple[str, str]] = field(default_factory=Counter)
    judged: Counter[tuple[str, str]] = field(default_factory=Counter)
    """The judge's rulings on claims by their source, and finding."""
    decided: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Reviewers' decisions by reviewer and operation."""
    opened: int = 0
    closed: int = 0
    waits: list[float] = field(default_factory=list)
    """Seconds from the making of an item to the decision that closed it."""

    def add(self, other: Day) -> None:
        for name in ("by_source", "by_type", "judged", "decided"):
            getattr(self, name).update(getattr(other, name))
        self.opened += other.opened
        self.closed += other.closed
        self.waits += other.waits


def count(day: Day, commit: Commit) -> None:
    """Add one commit to the counts of its day."""
    activity = _activity(commit)
    if activity in DECISIONS and commit.statement.principal:
        day.decided[commit.statement.principal, activity] += 1
    for event in commit.events:
        if event["e"] == "asserted":
            _count_statement(day, event, commit)
        elif event["e"] == "decided":
            made = ((speaker(one["source"]), FINDINGS.get(one["kind"], "")) for one in event["decisions"])
            day.judged.update(pair for pair in made if pair[1])


def _activity(commit: Commit) -> str:
    codings = (commit.statement.activity or {}).get("coding", ())
    return next((str(one["code"]) for one in codings if one.get("system") == ACTIVITY), "")


def _count_statement(day: Day, event: JsonObject, commit: Commit) -> None:
    source = source_of(event, commit)
    if source != SYSTEM:
        word = verification_status(Decimal(event["confidence"]))
        day.by_source[source, word] += 1
        day.by_type[event["type"], word] += 1
    elif event["type"] == "Task" and is_review(event["content"]):
        _count_item(day, event, commit)


def _count_item(day: Day, event: JsonObject, commit: Commit) -> None:
    task = event["content"]
    if task.get("status") in PENDING:
        day.opened += "pk" in event or _activity(commit) == "undo"
        return
    day.closed += 1
    if "authoredOn" in task and len(day.waits) < _WAITS:
        waited = parse_instant(commit.recorded) - parse_instant(task["authoredOn"])
        day.waits.append(max(0.0, waited.total_seconds()))


class Figures:
    """The counts of all days that were asked for so far."""

    def __init__(self, store: Store):
        self._store = store
        self._lock = asyncio.Lock()
        self._days: dict[str, Day] = {}
        self._low = self._high = -1
        """Commits after ``_low`` up to ``_high`` are counted."""

    async def catch_up(self, first: datetime, seconds: float) -> float:
        """Count for about so long; the share of the period's commits that are counted (1.0: all)."""
        async with self._lock:
            until = time.monotonic() + seconds
            start = (await moment(self._store, (first - timedelta(days=1)).date().isoformat())).position
            head = self._store.head
            if self._low < 0:
                self._low = self._high = head
            while self._high < head and time.monotonic() < until:
                await self._forward()
            while self._low > start and time.monotonic() < until:
                await self._back(start)
            missing = max(0, self._low - start) + max(0, head - self._high)
            return 1.0 - missing / max(1, head - start)

    async def _forward(self) -> None:
        for commit in await self._store.read_log(self._high, _BATCH):
            self._count(commit)
            self._high = commit.position

    async def _back(self, start: int) -> None:
        after = max(start, self._low - _BATCH)
        for commit in await self._store.read_log(after, self._low - after):
            self._count(commit)
        self._low = after

    def _count(self, commit: Commit) -> None:
        count(self._days.setdefault(commit.recorded[:10], Day()), commit)

    def between(self, first: datetime, last: datetime) -> Mapping[str, Day]:
        """The counts of each day, the first one first; days on which nothing happened too."""
        days = (first.date() + timedelta(days=n) for n in range((last.date() - first.date()).days + 1))
        return {day.isoformat(): self._days.get(day.isoformat(), Day()) for day in days}


def total(days: Iterable[Day]) -> Day:
    """All days together."""
    sum = Day()
    for day in days:
        sum.add(day)
    return sum


def lengths(days: Mapping[str, Day], waiting: int) -> dict[str, int]:
    """How many items waited at the end of each day, from how many wait now."""
    found: dict[str, int] = {}
    for date in reversed(list(days)):
        found[date] = max(0, waiting)
        waiting += days[date].closed - days[date].opened
    return dict(reversed(list(found.items())))
