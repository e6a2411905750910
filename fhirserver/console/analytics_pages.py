"""The analytics page: what conversations come to, how fast and how well, by day, agent and campaign."""

from __future__ import annotations

from asyncio import to_thread
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from fhirserver.console.charts import Bars, columns
from fhirserver.console.desk import HEADERS, Desk
from fhirserver.console.plots import Plot, plot
from fhirserver.console.quality_pages import Tile
from fhirserver.console.sessions import Session
from fhirserver.interactions.analytics.export import CAMPAIGNS, CONVERSATIONS, WRITEBACKS, as_csv
from fhirserver.interactions.analytics.metrics import (
    Outreach,
    Selection,
    Spread,
    Talks,
    Writebacks,
    campaigns,
    talks,
    writebacks,
)
from fhirserver.interactions.analytics.rows import TALK, Rows
from fhirserver.kernel.outcomes import Category, refuse

PERIODS = {"7": "7 days", "30": "30 days", "90": "90 days", "365": "a year"}
TABLES = {CONVERSATIONS: "Conversations", WRITEBACKS: "Writebacks", CAMPAIGNS: "Campaigns"}
_FILTERS = ("channel", "agent", "campaign")
_DONE = ("booked", "rescheduled", "cancelled", "confirmed", "captured")
_RULED = ("verified", "doubtful", "approved", "rejected", "corrected")
Measure = Callable[[Talks], float | None]


@dataclass(frozen=True, slots=True)
class Choice:
    """What may be chosen of one filter, and what is."""

    name: str
    values: Sequence[str]
    chosen: str


@dataclass(frozen=True, slots=True)
class Report:
    """All that the page shows."""

    tiles: Sequence[Tile]
    plots: Sequence[Plot]
    bars: Sequence[Bars]
    agents: Sequence[Talks]
    campaigns: Sequence[Outreach]


class AnalyticsPages:
    """Handlers of the analytics page."""

    def __init__(self, desk: Desk):
        self._desk = desk

    async def analytics(self, request: Request, session: Session) -> Response:
        """The whole page."""
        period, chosen = _asked(request)
        async with self._rows() as (_, rows):
            reported = await to_thread(report, rows, chosen)
            choices = await to_thread(_choices, rows, chosen)
        return self._desk.page(
            request,
            "analytics.html",
            session,
            report=reported,
            period=period,
            periods=PERIODS,
            choices=choices,
            tables=TABLES,
            query=urlencode({name: value for name in _FILTERS if (value := getattr(chosen, name))}),
        )

    async def export(self, request: Request, session: Session) -> Response:
        """The rows of a table as CSV."""
        table = request.query_params.get("table", CONVERSATIONS)
        if table not in TABLES:
            raise refuse(Category.INVALID, "value", "There is no such table", "table")
        _, chosen = _asked(request)
        name = f"{table}-{chosen.first}-{chosen.last}.csv"
        headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
        async with self._rows() as (_, rows):
            content = await to_thread(as_csv, rows, table, chosen)
        return Response(content, headers=headers, media_type="text/csv; charset=utf-8")

    def _rows(self) -> AbstractAsyncContextManager[tuple[int, Rows]]:
        projection = self._desk.context.analytics
        if projection is None:
            raise refuse(Category.NOT_SUPPORTED, "not-supported", "There are no analytics here")
        return projection.now()


def _asked(request: Request) -> tuple[str, Selection]:
    given = request.query_params
    period = given.get("period", "")
    period = period if period in PERIODS else "30"
    last = datetime.now(UTC)
    first = last - timedelta(days=int(period) - 1)
    named = {name: given.get(name, "")[:200] for name in _FILTERS}
    return period, Selection(first.date().isoformat(), last.date().isoformat(), **named)


def _choices(rows: Rows, chosen: Selection) -> list[Choice]:
    """What there is to choose among in the period, and whatever is chosen."""
    now = {name: str(getattr(chosen, name)) for name in _FILTERS}
    values = {name: {value} - {""} for name, value in now.items()}
    for _, row in chosen.within(rows, TALK):
        for name in _FILTERS:
            values[name] |= {str(row[name])} - {""}
    return [Choice(name, sorted(values[name]), now[name]) for name in _FILTERS]


def report(rows: Rows, chosen: Selection) -> Report:
    """The figures of some rows."""
    (all,), (written,) = talks(rows, chosen), writebacks(rows, chosen)
    days = _days(chosen)
    return Report(
        _tiles(all, written),
        _plots(rows, chosen, days),
        [
            columns("done", "What conversations did", _counted(all, _DONE), "items"),
            columns("ruled", "What became of claims", _counted(all, _RULED), "items"),
        ],
        talks(rows, chosen, "agent"),
        campaigns(rows, chosen),
    )


def _days(chosen: Selection) -> list[str]:
    first, last = datetime.fromisoformat(chosen.first), datetime.fromisoformat(chosen.last)
    return [(first + timedelta(days=n)).date().isoformat() for n in range((last - first).days + 1)]


def _counted(all: Talks, names: Sequence[str]) -> dict[tuple[str, str], int]:
    return {(name, "items"): all.counts[name] for name in names}


def _tiles(all: Talks, written: Writebacks) -> list[Tile]:
    return [
        Tile("Conversations", str(all.conversations), f"{all.reached} took place, {all.failed} did not"),
        Tile("Without a person", _share(all.containment), f"{all.contained} of {all.reached}"),
        Tile("First word", _seconds(all.first_word), "95th percentile"),
        Tile("Reply", _seconds(all.reply_p95), "95th percentile"),
        Tile("Quality", f"{all.score.mean:.0f}" if all.score else "none yet", "mean, of 100"),
        Tile("Verified", _share(all.verification), f"{all.counts['doubtful']} doubtful"),
        Tile(
            "Writeback",
            _seconds(written.delay),
            f"95th percentile, {written.completed} of {written.asked} done",
        ),
    ]


def _share(value: float | None) -> str:
    return "none yet" if value is None else f"{100 * value:.0f} %"


def _seconds(value: Spread | None) -> str:
    return "none yet" if value is None else f"{value.p95:.1f} s"


def _plots(rows: Rows, chosen: Selection, days: Sequence[str]) -> list[Plot]:
    by_day = {one.group: one for one in talks(rows, chosen, "day")}
    written = {one.group: one for one in writebacks(rows, chosen, "day")}

    def daily(measure: Measure) -> list[float | None]:
        return [measure(by_day[day]) if day in by_day else None for day in days]

    delays = [written[day].delay if day in written else None for day in days]
    return [
        plot("per-day", "Conversations per day", days, _per_channel(rows, chosen, days)),
        plot(
            "contained",
            "Ended without a person",
            days,
            {"share": daily(lambda one: None if one.containment is None else 100 * one.containment)},
            "%",
            (0, 100),
        ),
        plot(
            "latency",
            "How long callers wait, 95th percentile",
            days,
            {
                "first word": daily(lambda one: one.first_word.p95 if one.first_word else None),
                "reply": daily(lambda one: one.reply_p95.p95 if one.reply_p95 else None),
            },
            "s",
        ),
        plot(
            "writeback",
            "Until an EHR has a change",
            days,
            {
                "median": [one.p50 if one else None for one in delays],
                "95th percentile": [one.p95 if one else None for one in delays],
            },
            "s",
        ),
        plot(
            "mood",
            "Mood of callers' voices",
            days,
            {
                "mean": daily(lambda one: one.valence.mean if one.valence else None),
                "change over a call": daily(lambda one: one.trend.mean if one.trend else None),
            },
            "",
            (-1, 1),
        ),
        plot(
            "score",
            "Quality score, mean",
            days,
            {"score": daily(lambda one: one.score.mean if one.score else None)},
            "",
            (0, 100),
        ),
    ]


def _per_channel(rows: Rows, chosen: Selection, days: Sequence[str]) -> Mapping[str, list[float | None]]:
    """Of each channel how many there were on each day."""
    counts = Counter((str(row["channel"]), str(row["day"])) for _, row in chosen.taken(rows, TALK))
    names = sorted({channel for channel, _ in counts})
    return {name: [float(counts[name, day]) for day in days] for name in names}
