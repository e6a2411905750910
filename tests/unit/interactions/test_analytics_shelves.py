"""Rows on disk: the same figures and the same tables as from rows in memory, and as plain sums say."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fhirserver.interactions.analytics.export import CAMPAIGNS, CONVERSATIONS, WRITEBACKS, as_csv
from fhirserver.interactions.analytics.metrics import (
    GROUPS,
    Selection,
    campaigns,
    spread,
    talks,
    writebacks,
)
from fhirserver.interactions.analytics.projection import Projection
from fhirserver.interactions.analytics.rows import (
    COUNTS,
    MEMBER,
    NUMBERS,
    SAID,
    TALK,
    WRITEBACK,
    Dictionary,
    Rows,
)
from fhirserver.ports.shelf import Shelf
from fhirserver.storage.sqlite.shelf import DiskShelf
from tests.contracts.places import SqlitePlace, opened

STATUSES = ("completed", "completed", "not-done", "in-progress", "stopped")
WHOLE = Selection("2026-11-01", "2026-11-30")
SELECTIONS = (
    WHOLE,
    Selection("2026-11-07", "2026-11-07"),
    Selection("2026-11-05", "2026-11-20", channel="call", direction="inbound"),
    Selection("2026-11-05", "2026-11-20", agent="front-desk|2", campaign="c1"),
    Selection("2027-01-01", "2027-01-31"),
)


def fill(rows: Rows, seed: int) -> None:
    """A practice's month at random; members come and change as they do from a log."""
    chance = random.Random(seed)
    for number in range(900):
        day = f"2026-11-{chance.randint(1, 30):02d}"
        rows.put(
            *(TALK, f"t{chance.randint(0, 600)}"),
            day=day,
            channel=chance.choice(("call", "sms", "chat")),
            direction=chance.choice(("inbound", "outbound")),
            agent=chance.choice(("front-desk|1", "front-desk|2", "=agent")),
            campaign=chance.choice(("", "", "c1", "c2")),
            status=chance.choice(STATUSES),
            outcome="",
            started=f"{day}T{chance.randint(0, 23):02d}:00:00Z",
        )
        talk = f"t{chance.randint(0, 600)}"
        rows.count(TALK, talk, chance.choice(COUNTS), chance.randint(1, 3))
        if rows.get(TALK, talk):
            rows.put(TALK, talk, **{chance.choice(NUMBERS): round(chance.uniform(-1, 90), 3)})
            rows.put(TALK, talk, **{chance.choice(("escalated", "person")): chance.random() < 0.5})
            rows.put(TALK, talk, duration=None) if chance.random() < 0.05 else None
        rows.put(SAID, str(number), talk=talk)
        outcome = chance.choice(("", "done", "no-consent"))
        rows.put(MEMBER, f"m{number}", day=day, campaign="c1", status="completed", outcome=outcome)
        asked = f"{day}T09:00:00Z"
        rows.put(WRITEBACK, f"w{number}", day=day, asked=asked, sink="clinic", status="completed", delay=1.5)
        if number % 100 == 0:
            rows.changes()


@pytest.fixture(params=[Dictionary, DiskShelf])
def rows(request: pytest.FixtureRequest) -> Iterator[Rows]:
    shelf: Callable[[], Shelf] = request.param
    made = Rows(shelf())
    fill(made, 7)
    yield made
    made.shelf.close()


@pytest.fixture
def plain() -> dict[str, dict[str, Any]]:
    """What was put, looked at as a whole."""
    made = Rows()
    fill(made, 7)
    return made.kept


def test_all_rows_are_there_in_order(rows: Rows, plain: dict[str, dict[str, Any]]) -> None:
    assert rows.kept == plain and list(rows.kept) == sorted(plain)
    assert rows.get(SAID, "5") == plain["said/5"] and rows.get(SAID, "none") is None
    assert len(list(rows.of(SAID))) == 900
    days = [row["day"] for _, row in rows.of(MEMBER, "2026-11-10", "2026-11-12")]
    assert days == sorted(days) and set(days) == {"2026-11-10", "2026-11-11", "2026-11-12"}


def test_what_changed_is_told_once_and_taken_elsewhere(rows: Rows) -> None:
    rows.changes()
    rows.put(TALK, "t1", agent="another")
    changed = rows.changes()
    assert list(changed) == ["talk/t1"] and changed["talk/t1"]["agent"] == "another"
    assert rows.changes() == {} and rows.get(TALK, "t1") == changed["talk/t1"]
    other = Rows(DiskShelf())
    other.take(rows.kept)
    assert other.kept == rows.kept and other.changes() == {}


@pytest.mark.parametrize("selection", SELECTIONS, ids=str)
def test_figures_are_those_of_plain_sums(
    rows: Rows, plain: dict[str, dict[str, Any]], selection: Selection
) -> None:
    held = [row for key, row in plain.items() if key.startswith("talk/")]
    meant = [
        row
        for row in held
        if selection.first <= row["day"] <= selection.last
        and all(row[name] == value for name, value in selection.named)
    ]
    for by in ("", *GROUPS):
        found = talks(rows, selection, by)
        assert [one.group for one in found] == (sorted({row[by] for row in meant}) if by else [""])
        for one in found:
            group = [row for row in meant if not by or row[by] == one.group]
            done = [row for row in group if row["status"] == "completed"]
            assert (one.conversations, one.reached) == (len(group), len(done))
            assert one.failed == sum(row["status"] in ("not-done", "stopped") for row in group)
            assert one.under_way == sum(row["status"] == "in-progress" for row in group)
            assert one.contained == sum(not row.get("person") for row in done)
            assert one.escalated == sum(bool(row.get("escalated")) for row in group)
            assert one.counts == {name: sum(row.get(name, 0) for row in group) for name in COUNTS}
            for name in NUMBERS:
                assert getattr(one, name) == spread(row.get(name) for row in group)


def test_disk_and_memory_tell_the_same() -> None:
    memory, disk = Rows(), Rows(DiskShelf())
    fill(memory, 11)
    fill(disk, 11)
    for selection in SELECTIONS:
        for by in ("", "day", "sink"):
            assert writebacks(memory, selection, by) == writebacks(disk, selection, by)
        assert campaigns(memory, selection) == campaigns(disk, selection)
        for table in (CONVERSATIONS, WRITEBACKS, CAMPAIGNS):
            assert as_csv(memory, table, selection) == as_csv(disk, table, selection)


def test_an_export_is_in_the_order_of_time(rows: Rows) -> None:
    lines = as_csv(rows, CONVERSATIONS, WHOLE).decode().splitlines()
    started = [line.split(",")[8] for line in lines[1:]]
    assert len(started) > 400 and started == sorted(started)


async def test_rows_that_are_written_down_whole_are_read_by_others(tmp_path: Path) -> None:
    place = SqlitePlace(tmp_path / "store.db")
    async with opened(place) as store:
        first = Projection(store, DiskShelf)
        fill(first.rows, 3)
        await first._settle()
        fill(first.rows, 4)
        await first._settle()
        second = Projection(store, DiskShelf)
        await second.catch_up()
        assert second.rows.kept == first.rows.kept
        names = await store.storage.journals.names("analytics")
        assert len(names) == 2, f"what led to it is let go of: {names}"
        lagging = Projection(store, DiskShelf)
        await store.storage.journals.remove(names[0])
        with pytest.raises(LookupError):
            await lagging.catch_up()
        assert names[0].startswith("analytics.whole/")
