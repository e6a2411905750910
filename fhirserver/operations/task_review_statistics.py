"""``Task/$review-statistics``: the review queue and the decisions on it in figures."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import timedelta
from decimal import Decimal

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.kernel.instants import comparable, instant, microseconds
from fhirserver.kernel.json import Json, JsonObject, loads
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.operations.parameters import group, inputs, one, parameters, part
from fhirserver.search.cursor import decode
from fhirserver.search.expression import And, DateIs, Expression, Query, SortKey, TokenIs
from fhirserver.world.review import REVIEW
from fhirserver.world.review_statistics import Statistics, percentile
from fhirserver.world.vocabulary import TASK_CODE

PAGE = 200
DAYS = 30
"""The period without ``start``: so long before its end."""
_NEWEST = (SortKey("authored-on", "date", descending=True),)


async def task_review_statistics(context: Context, request: Request) -> Result:
    """Parameters with the figures of the items made from ``start`` to ``end``, the newest first, at most so many."""
    start, end = _period(context, inputs(request))
    most = context.review.statistics_items
    figures, complete = await _counted(context, start, end, most)
    answer: list[JsonObject] = [
        part("start", "Instant", start),
        part("end", "Instant", end),
        part("complete", "Boolean", complete),
        part("items", "UnsignedInt", figures.items),
        *_counts(figures.counts),
        *_counts({"decision": figures.decisions}),
        _took("timeToDecision", figures.seconds),
    ]
    names = sorted(figures.reviewers, key=lambda name: (-len(figures.reviewers[name].seconds), name))
    return Result(200, parameters([*answer, *(_reviewer(figures, name) for name in names)]))


def _period(context: Context, given: Mapping[str, list[Json]]) -> tuple[str, str]:
    """The instants between which items were made. Refuses (400) what is no date, and an end before the start."""
    end = _instant(one(dict(given), "end"), "end") or instant(context.clock.now() + timedelta(seconds=1))
    month = instant(context.clock.now() - timedelta(days=DAYS))
    start = _instant(one(dict(given), "start"), "start") or min(month, end)
    if start > end:
        raise refuse(Category.INVALID, "value", "'start' is after 'end'", "http.start")
    return start, end


def _instant(value: Json, name: str) -> str:
    if value is None:
        return ""
    try:
        return comparable(str(value))
    except (ValueError, OverflowError):
        text = f"'{name}' is a date or dateTime such as 2026-11-01"
        raise refuse(Category.INVALID, "value", text, f"http.{name}") from None


async def _counted(context: Context, start: str, end: str, most: int) -> tuple[Statistics, bool]:
    """The figures, and whether all items of the period are in them. Others get their turn between the pages."""
    figures, query = Statistics(), Query("Task", _made(start, end), _NEWEST, min(PAGE, most))
    while True:
        page = await context.store.search(query)
        for version in page.versions[: most - figures.items]:
            figures.add(loads(version.content))
        if not page.cursor:
            return figures, True
        if figures.items >= most:
            return figures, False
        query = Query("Task", query.where, _NEWEST, PAGE, decode(page.cursor, _NEWEST))
        await asyncio.sleep(0)


def _made(start: str, end: str) -> Expression:
    since, until = microseconds(start), microseconds(end)
    return And(
        (
            TokenIs("code", TASK_CODE, REVIEW),
            DateIs("authored-on", "ge", since, since),
            DateIs("authored-on", "lt", until, until),
        )
    )


def _counts(counts: Mapping[str, Mapping[str, int]]) -> Iterable[JsonObject]:
    for name, by_code in counts.items():
        for code, number in sorted(by_code.items(), key=lambda pair: (-pair[1], pair[0])):
            yield group(name, [part("code", "Code", code), part("count", "UnsignedInt", number)])


def _took(name: str, seconds: list[float]) -> JsonObject:
    parts: list[JsonObject | None] = [part("count", "UnsignedInt", len(seconds))]
    if seconds:
        parts += [part("median", "Quantity", _duration(percentile(seconds, 0.5)))]
        parts += [part("p90", "Quantity", _duration(percentile(seconds, 0.9)))]
    return group(name, parts)


def _duration(seconds: float) -> JsonObject:
    value = Decimal(str(round(seconds, 3)))
    return {"value": value, "unit": "s", "system": "http://unitsofmeasure.org", "code": "s"}


def _reviewer(figures: Statistics, name: str) -> JsonObject:
    one = figures.reviewers[name]
    return group(
        "reviewer",
        [
            part("name", "String", name),
            part("items", "UnsignedInt", len(one.seconds)),
            *_counts({"decision": one.decisions}),
            _took("timeToDecision", one.seconds),
        ],
    )
