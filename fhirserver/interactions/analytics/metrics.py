"""Figures over rows: counts, shares, percentiles, by day, channel, direction, agent or campaign. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final, TypeVar

from fhirserver.interactions.analytics.rows import COUNTS, MEMBER, TALK, WRITEBACK, Rows
from fhirserver.kernel.json import JsonObject

Figure = TypeVar("Figure")

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

    def taken(self, rows: Iterable[tuple[str, JsonObject]]) -> list[tuple[str, JsonObject]]:
        """Those of some rows that are meant."""
        first, last, named = self.first, self.last, self.named
        within = [one for one in rows if first <= one[1]["day"] <= last]
        return (
            [one for one in within if all(one[1][name] == value for name, value in named)]
            if named
            else within
        )

    def is_within(self, row: JsonObject) -> bool:
        """Whether it is of one of the days."""
        return self.first <= str(row["day"]) <= self.last


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


def selected(rows: Rows, selection: Selection) -> list[tuple[str, JsonObject]]:
    """The conversations that are meant, the first one first."""
    return sorted(selection.taken(rows.of(TALK)), key=lambda one: (one[1]["started"], one[0]))


def talks(rows: Rows, selection: Selection, by: str = "") -> list[Talks]:
    """Figures of conversations, for each group; one for all of them where no group is named."""
    return _grouped([row for _, row in selection.taken(rows.of(TALK))], by, _talks)


def _talks(group: str, rows: Sequence[JsonObject]) -> Talks:
    reached = [row for row in rows if row["status"] == "completed"]
    return Talks(
        group,
        len(rows),
        len(reached),
        sum(row["status"] in ("not-done", "stopped", "entered-in-error") for row in rows),
        sum(row["status"] in ("preparation", "in-progress") for row in rows),
        sum(not row.get("person") for row in reached),
        sum(bool(row.get("escalated")) for row in rows),
        {name: sum(int(row.get(name, 0)) for row in rows) for name in COUNTS},
        *(
            spread(row.get(name) for row in rows)
            for name in ("duration", "first_word", "reply_p95", "score", "valence", "trend")
        ),
    )


def writebacks(rows: Rows, selection: Selection, by: str = "") -> list[Writebacks]:
    """Figures of writebacks by ``day`` or ``sink``: who said first what was written is not asked for."""
    found = [row for _, row in rows.of(WRITEBACK) if selection.is_within(row)]
    return _grouped(found, by, _writebacks)


def _writebacks(group: str, rows: Sequence[JsonObject]) -> Writebacks:
    status = [row["status"] for row in rows]
    waiting = sum(one in ("requested", "in-progress") for one in status)
    delay = spread(row.get("delay") for row in rows)
    return Writebacks(group, len(rows), status.count("completed"), status.count("failed"), waiting, delay)


def campaigns(rows: Rows, selection: Selection) -> list[Outreach]:
    """Figures of each campaign, by the day on which its patients came into it."""
    members = [row for _, row in rows.of(MEMBER) if selection.is_within(row)]
    tried = [row for _, row in rows.of(TALK) if row["campaign"] and selection.is_within(row)]
    names = sorted({row["campaign"] for row in (*members, *tried)})
    return [
        _outreach(
            name,
            [row for row in members if row["campaign"] == name],
            [row for row in tried if row["campaign"] == name],
        )
        for name in names
        if not selection.campaign or name == selection.campaign
    ]


def _outreach(group: str, members: Sequence[JsonObject], tried: Sequence[JsonObject]) -> Outreach:
    outcomes: dict[str, int] = {}
    for row in members:
        if row["outcome"]:
            outcomes[row["outcome"]] = outcomes.get(row["outcome"], 0) + 1
    return Outreach(
        group,
        len(members),
        sum(count for name, count in outcomes.items() if name in _LEFT_OUT),
        sum(row["status"] in ("completed", "revoked") for row in members),
        len(tried),
        sum(row["status"] == "completed" for row in tried),
        dict(sorted(outcomes.items())),
    )


def _grouped(
    rows: Sequence[JsonObject], by: str, figure: Callable[[str, Sequence[JsonObject]], Figure]
) -> list[Figure]:
    if not by:
        return [figure("", rows)]
    groups: dict[str, list[JsonObject]] = {}
    for row in rows:
        groups.setdefault(str(row[by]), []).append(row)
    return [figure(name, groups[name]) for name in sorted(groups)]
