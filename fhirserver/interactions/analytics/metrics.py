"""Figures over rows: counts, shares, percentiles, by day, channel, direction, agent or campaign. Pure."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import ceil
from typing import Final, Protocol, TypeVar

from fhirserver.interactions.analytics.rows import COUNTS, MEMBER, NUMBERS, TALK, WRITEBACK, Rows
from fhirserver.kernel.json import JsonObject

Told = TypeVar("Told", covariant=True)

GROUPS: Final = ("day", "channel", "direction", "agent", "campaign")
_LEFT_OUT: Final = frozenset(
    {
        *("no-consent", "opted-out", "deceased", "inactive", "no-record", "no-number", "not-needed"),
        "outside-dates",
    }
)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rows: of days from ``first`` to ``last`` (``2026-11-30``, in UTC), and of one channel, direction, agent or
    campaign where it is named."""

    first: str
    last: str
    channel: str = ""
    direction: str = ""
    agent: str = ""
    campaign: str = ""

    @property
    def named(self) -> list[tuple[str, str]]:
        """What a row must have, by the name of the member."""
        stated = (("channel", self.channel), ("direction", self.direction))
        more = (("agent", self.agent), ("campaign", self.campaign))
        return [(name, value) for name, value in (*stated, *more) if value]

    def taken(self, rows: Rows, kind: str) -> Iterator[tuple[str, JsonObject]]:
        """The rows of a kind that are meant, one day after the other."""
        named = self.named if kind == TALK else []
        within = self.within(rows, kind)
        return (one for one in within if all(one[1][name] == value for name, value in named))

    def within(self, rows: Rows, kind: str) -> Iterator[tuple[str, JsonObject]]:
        """The rows of a kind of these days, one day after the other."""
        return rows.of(kind, self.first, self.last)


@dataclass(frozen=True, slots=True)
class Spread:
    """Of a measure: how often it was taken, its mean, median and 95th percentile (nearest rank)."""

    count: int
    mean: float
    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class Talks:
    """Conversations. ``reached`` are those that took place; ``contained`` of them ended without a person."""

    group: str
    conversations: int
    reached: int
    failed: int
    under_way: int
    contained: int
    escalated: int
    counts: Mapping[str, int]
    duration: Spread | None
    first_word: Spread | None
    reply_p95: Spread | None
    score: Spread | None
    valence: Spread | None
    trend: Spread | None

    @property
    def containment(self) -> float | None:
        """The share that ended without a person, of those that are over."""
        return round(self.contained / self.reached, 4) if self.reached else None

    @property
    def verification(self) -> float | None:
        """The share that was verified of what was judged."""
        judged = self.counts["verified"] + self.counts["doubtful"]
        return round(self.counts["verified"] / judged, 4) if judged else None


@dataclass(frozen=True, slots=True)
class Writebacks:
    """What was to be written to an EHR; ``delay`` in seconds from the moment that it could be, until the EHR had it."""

    group: str
    asked: int
    completed: int
    failed: int
    waiting: int
    delay: Spread | None


@dataclass(frozen=True, slots=True)
class Outreach:
    """A campaign: its patients, whom nobody tried to reach (no consent …), who is settled, and by which outcome."""

    group: str
    patients: int
    left_out: int
    settled: int
    attempts: int
    reached: int
    outcomes: Mapping[str, int]


def spread(values: Iterable[float | None]) -> Spread | None:
    """None where nothing was measured."""
    ranked = sorted(float(value) for value in values if value is not None)
    if not ranked:
        return None
    mean = round(sum(ranked) / len(ranked), 3)
    return Spread(len(ranked), mean, _ranked(ranked, 0.5), _ranked(ranked, 0.95))


def _ranked(ranked: Sequence[float], share: float) -> float:
    return ranked[max(0, ceil(share * len(ranked)) - 1)]


def selected(rows: Rows, selection: Selection) -> Iterator[tuple[str, JsonObject]]:
    """The conversations that are meant, the first one first."""
    return in_order(selection.taken(rows, TALK), lambda one: (str(one[1]["started"]), one[0]))


def in_order(
    rows: Iterable[tuple[str, JsonObject]], order: Callable[[tuple[str, JsonObject]], tuple[str, str]]
) -> Iterator[tuple[str, JsonObject]]:
    """Rows that come one day after the other, in order within each."""
    for _, found in groupby(rows, lambda one: str(one[1]["day"])):
        yield from sorted(found, key=order)


def talks(rows: Rows, selection: Selection, by: str = "") -> list[Talks]:
    """Figures of conversations, for each group; one for all of them where no group is named."""
    return _grouped(selection.taken(rows, TALK), by, TalkSums)


class TalkSums:
    """What conversations come to, one after the other: no row is held, numbers alone."""

    def __init__(self) -> None:
        self._status: Counter[str] = Counter()
        self._contained = self._escalated = 0
        self._counts = dict.fromkeys(COUNTS, 0)
        self._measured = {name: array("d") for name in NUMBERS}

    def add(self, row: JsonObject) -> None:
        self._status[row["status"]] += 1
        self._contained += row["status"] == "completed" and not row.get("person")
        self._escalated += bool(row.get("escalated"))
        for name in self._counts.keys() & row.keys():
            self._counts[name] += int(row[name])
        for name in self._measured.keys() & row.keys():
            if row[name] is not None:
                self._measured[name].append(row[name])

    def told(self, group: str) -> Talks:
        return Talks(
            group,
            self._status.total(),
            self._status["completed"],
            sum(self._status[one] for one in ("not-done", "stopped", "entered-in-error")),
            sum(self._status[one] for one in ("preparation", "in-progress")),
            self._contained,
            self._escalated,
            self._counts,
            *(spread(self._measured[name]) for name in NUMBERS),
        )


def writebacks(rows: Rows, selection: Selection, by: str = "") -> list[Writebacks]:
    """Figures of writebacks by ``day`` or ``sink``: who said first what was written is not asked for."""
    return _grouped(selection.within(rows, WRITEBACK), by, WritebackSums)


class WritebackSums:
    """What writebacks come to, one after the other."""

    def __init__(self) -> None:
        self._status: Counter[str] = Counter()
        self._delays = array("d")

    def add(self, row: JsonObject) -> None:
        self._status[row["status"]] += 1
        if row.get("delay") is not None:
            self._delays.append(row["delay"])

    def told(self, group: str) -> Writebacks:
        count = self._status
        waiting = count["requested"] + count["in-progress"]
        return Writebacks(
            group, count.total(), count["completed"], count["failed"], waiting, spread(self._delays)
        )


def campaigns(rows: Rows, selection: Selection) -> list[Outreach]:
    """Figures of each campaign, by the day on which its patients came into it."""
    found: dict[str, OutreachSums] = {}
    for _, row in selection.within(rows, MEMBER):
        found.setdefault(row["campaign"], OutreachSums()).add_member(row)
    for _, row in selection.within(rows, TALK):
        if row["campaign"]:
            found.setdefault(row["campaign"], OutreachSums()).add_attempt(row)
    asked = [name for name in sorted(found) if not selection.campaign or name == selection.campaign]
    return [found[name].told(name) for name in asked]


class OutreachSums:
    """What a campaign comes to, one patient and one attempt after the other."""

    def __init__(self) -> None:
        self._patients = self._settled = self._attempts = self._reached = 0
        self._outcomes: Counter[str] = Counter()

    def add_member(self, row: JsonObject) -> None:
        self._patients += 1
        self._settled += row["status"] in ("completed", "revoked")
        if row["outcome"]:
            self._outcomes[row["outcome"]] += 1

    def add_attempt(self, row: JsonObject) -> None:
        self._attempts += 1
        self._reached += row["status"] == "completed"

    def told(self, group: str) -> Outreach:
        left_out = sum(count for name, count in self._outcomes.items() if name in _LEFT_OUT)
        outcomes = dict(sorted(self._outcomes.items()))
        return Outreach(
            group, self._patients, left_out, self._settled, self._attempts, self._reached, outcomes
        )


class _Sums(Protocol[Told]):
    def add(self, row: JsonObject) -> None: ...

    def told(self, group: str) -> Told: ...


def _grouped(rows: Iterable[tuple[str, JsonObject]], by: str, sums: Callable[[], _Sums[Told]]) -> list[Told]:
    groups: dict[str, _Sums[Told]] = {} if by else {"": sums()}
    for _, row in rows:
        group = str(row[by]) if by else ""
        if group not in groups:
            groups[group] = sums()
        groups[group].add(row)
    return [groups[name].told(name) for name in sorted(groups)]
