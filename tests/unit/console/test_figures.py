"""Figures out of the log, and the charts that are made of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from fhirserver.console.charts import BAND_ORDER, LABEL, WIDTH, bars, line, spread
from fhirserver.console.figures import Day, Figures, lengths, total
from fhirserver.console.quality_pages import duration, report
from tests.console_world import small_changes, the_call
from tests.facade import Facade


async def test_the_log_is_counted_once_by_day(server: Facade) -> None:
    items = await the_call(server)
    ids = await small_changes(server, 3)
    for id in ids[:2]:
        await server.ana("POST", f"Task/{id}/$approve")
    await server.ben("POST", f"Task/{ids[2]}/$reject", _reason("Out of date"))
    figures, now = Figures(server.store), datetime.now(UTC)
    assert await figures.catch_up(now, 10) == 1.0
    assert await figures.catch_up(now, 10) == 1.0, "nothing is counted twice"
    days = figures.between(now - timedelta(days=1), now)
    all = total(days.values())
    assert all.by_source["ehr", "authoritative"] == 5
    assert all.by_type["Coverage", "confirmed"] == 1
    assert all.judged["agent", "verified"] == 5 and all.judged["agent", "doubtful"] == 2
    assert dict(all.decided) == {("ana", "approve"): 2, ("ben", "reject"): 1}
    assert (all.opened, all.closed, len(all.waits)) == (5, 3, 3)
    assert list(lengths(days, len(items)).values()) == [0, 2]


async def test_counting_is_bounded_and_goes_on_where_it_stopped(server: Facade) -> None:
    await small_changes(server, 3)
    figures, now = Figures(server.store), datetime.now(UTC)
    assert await figures.catch_up(now, 0) < 1.0, "no time, nothing counted"
    assert await figures.catch_up(now, 10) == 1.0
    before = total(figures.between(now, now).values()).by_source["ehr", "authoritative"]
    await small_changes(server, 2, first=10)
    assert await figures.catch_up(now, 10) == 1.0
    assert total(figures.between(now, now).values()).by_source["ehr", "authoritative"] == before + 2


async def test_an_undone_decision_opens_its_item_again(server: Facade) -> None:
    (id,) = await small_changes(server, 1)
    await server.ana("POST", f"Task/{id}/$approve")
    await server.ana("POST", f"Task/{id}/$undo")
    figures, now = Figures(server.store), datetime.now(UTC)
    await figures.catch_up(now, 10)
    all = total(figures.between(now, now).values())
    assert (all.opened, all.closed) == (2, 1)


def _reason(text: str) -> dict[str, object]:
    return {"resourceType": "Parameters", "parameter": [{"name": "reason", "valueString": text}]}


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=8))
def test_lengths_follow_from_what_is_opened_and_closed(moves: list[tuple[int, int]]) -> None:
    waiting = 50
    days: dict[str, Day] = {}
    expected: list[int] = []
    for number, (opened, closed) in enumerate(moves):
        days[f"2026-11-{number + 1:02}"] = Day(opened=opened, closed=closed)
        waiting += opened - closed
        expected.append(waiting)
    assert list(lengths(days, waiting).values()) == expected


COUNTS = st.dictionaries(
    st.tuples(st.sampled_from(["ehr", "agent", "lab"]), st.sampled_from(BAND_ORDER)), st.integers(1, 99)
)


@given(COUNTS)
def test_bars_hold_every_count_and_stay_inside(counts: dict[tuple[str, str], int]) -> None:
    chart = bars("x", "Title", counts, BAND_ORDER)
    assert sum(part.value for bar in chart.bars for part in bar.segments) == sum(counts.values())
    for bar in chart.bars:
        ends = [LABEL, *(part.x + part.width for part in bar.segments)]
        assert all(abs(part.x - end) < 0.01 for part, end in zip(bar.segments, ends, strict=False))
        assert ends[-1] <= WIDTH
        assert bar.label in chart.description


def test_a_line_has_a_point_for_each_day() -> None:
    chart = line("x", "Waiting", {"2026-11-01": 0, "2026-11-02": 4})
    assert [(p.label, p.value) for p in chart.points] == [("2026-11-01", 0), ("2026-11-02", 4)]
    assert chart.points[0].y > chart.points[1].y
    assert "from 0 to 4" in chart.description
    assert line("x", "None", {}).path == ""


def test_times_fall_into_lengths() -> None:
    found = spread([5, 59, 60, 4000, 1e9])
    assert [value for value in found.values() if value] == [2, 1, 1, 1]
    assert (duration(5), duration(600), duration(7200), duration(4e5)) == (
        "5 s",
        "10 min",
        "2.0 h",
        "4.6 days",
    )


def test_a_report_of_nothing_says_so() -> None:
    made = report({"2026-11-01": Day()}, 0, 1.0)
    assert [tile.value for tile in made.tiles] == ["0", "none yet", "none yet", "0"]
    assert made.bars[0].bars == []
