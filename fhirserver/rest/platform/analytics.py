"""``/platform/analytics``: what conversations, writebacks and campaigns come to, derived from the log."""

from __future__ import annotations

from asyncio import to_thread
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response

from fhirserver.interactions.analytics.export import as_csv, as_parquet
from fhirserver.interactions.analytics.metrics import (
    Outreach,
    Selection,
    Talks,
    Writebacks,
    campaigns,
    talks,
    writebacks,
)
from fhirserver.interactions.analytics.rows import Rows
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.rest.platform.described import problems
from fhirserver.rest.platform.problems import HEADERS
from fhirserver.rest.platform.rights import Asked, Right, needs
from fhirserver.rest.platform.shapes import Told, wrong

router = APIRouter(prefix="/analytics", tags=["analytics"])

Reading = Annotated[Asked, needs(Right.READ)]
_LONGEST_DAYS = 3660
_Name = Annotated[str, Query(max_length=200)]


class Measured(Told):
    """Of a measure: how often it was taken, its mean, median and 95th percentile."""

    count: int
    mean: float
    p50: float
    p95: float


class ConversationFigures(Told):
    """Figures of the conversations of one `group` (empty: all). `reached` took place; `contained` of these ended
    without a person, and `containment` is their share; `verification` is the share that was verified of what was
    judged. `duration`, `first_word` and `reply_p95` are in seconds, `score` is 0 to 100, `valence` -1 to 1, `trend` how
    that changed from the first third of a conversation to the last."""

    group: str
    conversations: int
    reached: int
    failed: int
    under_way: int
    contained: int
    containment: float | None
    escalated: int
    booked: int
    rescheduled: int
    cancelled: int
    confirmed: int
    captured: int
    verified: int
    doubtful: int
    approved: int
    rejected: int
    corrected: int
    verification: float | None
    duration: Measured | None
    first_word: Measured | None
    reply_p95: Measured | None
    score: Measured | None
    valence: Measured | None
    trend: Measured | None


class WritebackFigures(Told):
    """Figures of what was to be written to an EHR. `delay` is in seconds, until the EHR had it."""

    group: str
    asked: int
    completed: int
    failed: int
    waiting: int
    delay: Measured | None


class CampaignFigures(Told):
    """Figures of a campaign. Nobody tried to reach those `left_out`; `attempts` reached somebody `reached` times."""

    group: str
    patients: int
    left_out: int
    settled: int
    attempts: int
    reached: int
    outcomes: dict[str, int]


class ConversationReport(Told):
    """`position` is how far the log has been counted."""

    position: int
    items: list[ConversationFigures]


class WritebackReport(Told):
    """`position` is how far the log has been counted."""

    position: int
    items: list[WritebackFigures]


class CampaignReport(Told):
    """`position` is how far the log has been counted."""

    position: int
    items: list[CampaignFigures]


async def _selection(
    since: Annotated[
        date | None, Query(alias="from", description="The first day, in UTC; 30 days ago without")
    ] = None,
    until: Annotated[
        date | None, Query(alias="to", description="The last day, in UTC; today without")
    ] = None,
    channel: Annotated[str, Query(max_length=64)] = "",
    direction: Annotated[str, Query(max_length=64)] = "",
    agent: _Name = "",
    campaign: _Name = "",
) -> Selection:
    """The rows that are meant. Refuses (422) a last day before the first."""
    last = until or datetime.now(UTC).date()
    first = since or date.fromordinal(max(1, last.toordinal() - 29))
    if first > last or (last - first).days > _LONGEST_DAYS:
        raise wrong("from", f"The days go from the first to the last, {_LONGEST_DAYS} at most")
    return Selection(first.isoformat(), last.isoformat(), channel, direction, agent, campaign)


Selected = Annotated[Selection, Depends(_selection)]


@router.get("/conversations", summary="What conversations come to", responses=problems(409))
async def report_conversations(
    asked: Reading,
    selection: Selected,
    by: Literal["", "day", "channel", "direction", "agent", "campaign"] = "",
) -> ConversationReport:
    """Number, duration, latency, containment, what was booked and captured, verification, mood and quality."""
    async with _counted(asked) as (position, rows):
        items = [_conversations(one) for one in await to_thread(talks, rows, selection, by)]
    return ConversationReport(position=position, items=items)


@router.get("/writebacks", summary="How long writing to EHRs takes", responses=problems(409))
async def report_writebacks(
    asked: Reading, selection: Selected, by: Literal["", "day", "sink"] = ""
) -> WritebackReport:
    """By day or by EHR. Channel, agent and campaign say nothing here."""
    async with _counted(asked) as (position, rows):
        items = [_writebacks(one) for one in await to_thread(writebacks, rows, selection, by)]
    return WritebackReport(position=position, items=items)


@router.get("/campaigns", summary="What campaigns come to", responses=problems(409))
async def report_campaigns(asked: Reading, selection: Selected) -> CampaignReport:
    """Each campaign that patients came into, or that tried to reach somebody, on these days."""
    async with _counted(asked) as (position, rows):
        items = [_campaign(one) for one in await to_thread(campaigns, rows, selection)]
    return CampaignReport(position=position, items=items)


@router.get(
    "/export",
    summary="The rows behind the figures",
    response_class=Response,
    responses={
        200: {
            "description": "The table",
            "content": {
                "text/csv": {"schema": {"type": "string"}},
                "application/vnd.apache.parquet": {"schema": {"type": "string", "format": "binary"}},
            },
        },
        **problems(409),
    },
)
async def export_rows(
    asked: Reading,
    selection: Selected,
    table: Literal["conversations", "writebacks", "campaigns"] = "conversations",
    format: Literal["csv", "parquet"] = "csv",
) -> Response:
    """One row for each conversation, writeback, or patient of a campaign, with the FHIR resource that tells of it."""
    made = as_csv if format == "csv" else as_parquet
    name = f"{table}-{selection.first}-{selection.last}.{format}"
    kind = "text/csv; charset=utf-8" if format == "csv" else "application/vnd.apache.parquet"
    headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
    async with _counted(asked) as (_, rows):
        return Response(await to_thread(made, rows, table, selection), headers=headers, media_type=kind)


def _counted(asked: Asked) -> AbstractAsyncContextManager[tuple[int, Rows]]:
    """How far the log has been counted, and the rows. Refuses (409) where nobody counts."""
    projection = asked.platform.context.analytics
    if projection is None:
        raise refuse(Category.CONFLICT, "not-supported", "There are no analytics here")
    return projection.now()


def _conversations(one: Talks) -> ConversationFigures:
    told = {name: value for name, value in asdict(one).items() if name != "counts"}
    shares = {"containment": one.containment, "verification": one.verification}
    return ConversationFigures.model_validate({**told, **one.counts, **shares})


def _writebacks(one: Writebacks) -> WritebackFigures:
    return WritebackFigures.model_validate(asdict(one))


def _campaign(one: Outreach) -> CampaignFigures:
    return CampaignFigures.model_validate(asdict(one))
