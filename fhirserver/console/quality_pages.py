"""The data-quality page: how sure the sources are, what the judge and the reviewers made of it, and how fast."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median

from starlette.requests import Request
from starlette.responses import Response

from fhirserver.console.charts import BAND_ORDER, Bars, Line, bars, columns, line, spread
from fhirserver.console.desk import Desk
from fhirserver.console.figures import DECISIONS, FINDINGS, Day, Figures, lengths, total
from fhirserver.console.sessions import Session

PERIODS = {"7": "7 days", "30": "30 days", "90": "90 days"}
BUDGET_SECONDS = 0.4
"""How long one request counts; the page asks again until all is counted."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure that is said outright."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """The page's figures and charts; ``share`` of the period's log is counted."""

    share: float
    tiles: Sequence[Tile]
    bars: Sequence[Bars]
    queue: Line


class QualityPages:
    """Handlers of the data-quality page."""

    def __init__(self, desk: Desk):
        self._desk = desk
        self._figures = Figures(desk.context.store)

    async def quality(self, request: Request, session: Session) -> Response:
        """The whole page."""
        return await self._page(request, session, "quality.html")

    async def figures(self, request: Request, session: Session) -> Response:
        """The figures alone, asked for again while the log is counted."""
        return await self._page(request, session, "quality_figures.html")

    async def _page(self, request: Request, session: Session, template: str) -> Response:
        period = request.query_params.get("period", "")
        period = period if period in PERIODS else "30"
        last = datetime.now(UTC)
        first = last - timedelta(days=int(period) - 1)
        share = await self._figures.catch_up(first, BUDGET_SECONDS)
        await self._desk.queue.refresh()
        made = report(self._figures.between(first, last), len(self._desk.queue.items), share)
        return self._desk.page(request, template, session, report=made, period=period, periods=PERIODS)


def report(days: Mapping[str, Day], waiting: int, share: float) -> Report:
    """The figures of some days."""
    all = total(days.values())
    return Report(
        share,
        _tiles(all, waiting),
        _bars(all),
        line("queue", "Items waiting at the end of each day", lengths(days, waiting)),
    )


def _tiles(all: Day, waiting: int) -> list[Tile]:
    verified = sum(value for (_, kind), value in all.judged.items() if kind == "verified")
    judged = sum(all.judged.values())
    rate = f"{100 * verified / judged:.0f} %" if judged else "none yet"
    return [
        Tile("Waiting now", str(waiting), "review items"),
        Tile("Verified by the judge", rate, f"{verified} of {judged} claims"),
        Tile(
            "Median review time",
            duration(median(all.waits)) if all.waits else "none yet",
            f"{len(all.waits)} items",
        ),
        Tile("Decided", str(sum(all.decided.values())), f"{all.opened} opened, {all.closed} closed"),
    ]


def _bars(all: Day) -> list[Bars]:
    return [
        bars("sources", "How sure each source is, by statements", all.by_source, BAND_ORDER),
        bars("types", "How sure statements are, by resource type", all.by_type, BAND_ORDER),
        bars("judge", "What the judge found, by source", all.judged, tuple(FINDINGS.values())),
        bars("reviewers", "Decisions by reviewer", all.decided, DECISIONS, whole=False),
        columns("times", "How long items waited for their decision", spread(all.waits), "items"),
    ]


def duration(seconds: float) -> str:
    """A time in the unit that suits it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.1f} days"
