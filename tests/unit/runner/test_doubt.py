"""What an EHR says late is no news: readings older than what it acknowledged, and words older than the world's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapters.runner.crosswalk import Link
from adapters.runner.doubt import Doubt
from adapters.runner.reconcile import Reconciliation
from fhirserver.kernel.instants import instant
from fhirserver.ports.ehr import Change, Gone, Operation, Page, Receipt, Record, Unanswered
from tests.unit.runner.practice import Practice, make_store

SECOND = "2026-11-28T10:00:00Z"
"""The EHR's own stamp of every version: its clock does not tell which is the later."""
LAG = 0.3
SURE = Decimal("0.95")


class Lagging:
    """An EHR that shows a write only after a while, in lists and when a record is read, as some nodes of a cloud do."""

    visible_within = LAG

    def __init__(self) -> None:
        self.states: list[tuple[datetime, Record]] = []
        self.lists: list[Record] | None = None
        self.creates, self.silent, self.asked = list[Change](), 0, 0
        self.looked: list[Any] = []

    def put(self, status: str) -> Record:
        content = {"resourceType": "Appointment", "id": "a1", "status": status, "participant": _WHO}
        record = Record("Appointment", "a1", f"v-{status}", SECOND, content)
        self.states.append((datetime.now(UTC), record))
        return record

    async def push(self, change: Change) -> Receipt:
        self.asked += 1
        if change.only_found:
            self.looked.append(change.earlier)
            if not self.states:
                raise Gone("never made")
            return Receipt(self.states[-1][1], replayed=True)
        await change.begin_sending()
        if change.operation is Operation.CREATE:
            self.creates.append(change)
        if self.silent:
            self.silent -= 1
            raise Unanswered("no answer")
        return Receipt(self.put(change.content["status"]))

    async def pull(self, cursor: Any = None) -> AsyncIterator[Page]:
        yield Page(self.lists if self.lists is not None else [self.shown()], {"n": 1})

    def shown(self) -> Record:
        until = datetime.now(UTC) - timedelta(seconds=LAG)
        return [record for at, record in self.states if at <= until or at == self.states[0][0]][-1]

    async def read(self, type: str, id: str) -> Record:
        return self.shown()


_WHO = [{"actor": {"display": "Dr Lane"}, "status": "accepted"}]
_BOOKED = {"status": "booked", "participant": _WHO}


@asynccontextmanager
async def practice(path: Path, ehr: Lagging) -> AsyncIterator[Practice]:
    store = make_store(path / "world.db")
    await store.open()
    yield Practice(store, ehr)
    await store.close()


async def booked_and_cancelled(made: Practice) -> None:
    """The EHR has acknowledged both."""
    await made.put("operator", "Appointment", "w1", _BOOKED, confidence=SURE)
    await made.settle()
    await made.amend("operator", "Appointment", "w1", status="cancelled", confidence=SURE)
    await made.settle()


async def test_a_list_read_before_a_cancellation_is_seen_does_not_undo_it(tmp_path: Path) -> None:
    ehr = Lagging()
    async with practice(tmp_path, ehr) as made:
        await booked_and_cancelled(made)
        ehr.lists = [ehr.states[0][1]]
        await made.pull()
        assert (await made.world("Appointment", "w1"))["status"] == "cancelled"
        assert await made.statuses() == ["completed", "completed"]


async def test_what_the_ehr_still_says_when_a_write_must_be_seen_is_news(tmp_path: Path) -> None:
    ehr = Lagging()
    async with practice(tmp_path, ehr) as made:
        await booked_and_cancelled(made)
        ehr.states.append(
            (datetime.now(UTC), ehr.states[0][1])
        )  # a clerk books it again within the same second
        ehr.lists = [ehr.states[0][1]]
        await made.pull()
        assert (await made.world("Appointment", "w1"))["status"] == "booked"


async def test_a_sweep_takes_a_late_sight_for_no_backup_that_was_restored(tmp_path: Path) -> None:
    ehr = Lagging()
    async with practice(tmp_path, ehr) as made:
        await booked_and_cancelled(made)
        at, booked = ehr.states[0]
        ehr.states[0] = at, replace(booked, last_updated="2026-11-28T09:59:59Z")
        ehr.lists = [ehr.states[0][1]]
        swept = await Reconciliation(made.store, ehr, made.sink, made.inbound, None).sweep()
        assert swept.set_back == 0
        assert (await made.world("Appointment", "w1"))["status"] == "cancelled"


async def test_what_is_over_before_the_ehr_heard_of_it_is_never_told(tmp_path: Path) -> None:
    ehr = Lagging()
    async with practice(tmp_path, ehr) as made:
        await made.put("operator", "Appointment", "w1", _BOOKED)
        await made.follow()
        await made.amend("operator", "Appointment", "w1", status="cancelled")
        await made.settle()
        assert not ehr.asked
        assert await made.statuses() == ["cancelled"]
        await made.amend("operator", "Appointment", "w1", status="booked")
        await made.settle()
        assert len(ehr.creates) == 1, "and told as soon as it stands again"


@pytest.mark.parametrize("arrived", [True, False])
async def test_an_attempt_of_unknown_outcome_is_looked_for_and_never_repeated_once_it_is_over(
    tmp_path: Path, arrived: bool
) -> None:
    ehr = Lagging()
    async with practice(tmp_path, ehr) as made:
        ehr.silent = 1
        await made.put("operator", "Appointment", "w1", _BOOKED)
        await made.follow()
        await made.outbound.push_due()
        if arrived:
            ehr.put("booked")
        await made.amend("operator", "Appointment", "w1", status="cancelled")
        await made.settle()
        assert len(ehr.creates) == 1
        assert (await made.world("Appointment", "w1"))["status"] == "cancelled"
        assert [record.content["status"] for _, record in ehr.states] == (
            ["booked", "cancelled"] if arrived else []
        )
        assert not {"requested", "in-progress", "failed"} & set(await made.statuses())


@pytest.mark.parametrize("arrived", [True, False])
async def test_a_create_that_changes_before_its_outcome_is_known_is_looked_for_as_it_was(
    tmp_path: Path, arrived: bool
) -> None:
    ehr = Lagging()
    async with practice(tmp_path, ehr) as made:
        ehr.silent = 1
        await made.put("operator", "Appointment", "w1", _BOOKED)
        await made.follow()
        await made.outbound.push_due()
        if arrived:
            ehr.put("booked")
        await made.amend("operator", "Appointment", "w1", status="arrived")
        await made.settle()
        assert ehr.looked == [{"resourceType": "Appointment", **_BOOKED}]
        assert [change.content["status"] for change in ehr.creates] == (
            ["booked"] if arrived else ["booked", "arrived"]
        )
        assert ehr.states[-1][1].content["status"] == "arrived"
        assert not {"requested", "in-progress", "failed"} & set(await made.statuses())


async def test_the_time_of_an_attempt_outlives_the_process_and_waiting_does_not_move_it(
    tmp_path: Path,
) -> None:
    ehr = Lagging()
    async with practice(tmp_path, ehr) as made:
        ehr.silent = 1
        await made.put("operator", "Appointment", "w1", _BOOKED)
        await made.follow()
        await made.outbound.push_due()
        heard = list[float | None]()

        async def push(change: Change) -> Receipt:
            heard.append(change.sent)
            raise Unanswered("killed while it waited")

        ehr.push = push  # type: ignore[method-assign]
        for number in range(2):
            other = Practice(made.store, ehr, holder=f"gone/boot/{number}/0")
            other.outbound.takeover = 0.0
            await other.outbound.push_due()
        assert heard[0] is not None and heard[1] is not None
        assert 0.0 < heard[0] < heard[1]


def test_the_ehrs_own_later_time_leaves_no_doubt() -> None:
    class Clock:
        def now(self) -> datetime:
            return datetime(2026, 11, 28, 10, 0, 5, tzinfo=UTC)

    doubt = Doubt(Lagging(), Clock())  # type: ignore[arg-type]
    seen = instant(datetime(2026, 11, 28, 10, 0, 4, 900_000, tzinfo=UTC))
    link = Link("ehr", "Appointment", "a1", "w1", "v1", SECOND, False, 1, seen=seen)
    asked = Clock().now()
    assert doubt.about(link, Record("Appointment", "a1", "v2", SECOND, {}), asked)
    assert doubt.about(link, Record("Appointment", "a1", "v2", "", {}), asked)
    assert not doubt.about(link, Record("Appointment", "a1", "v2", "2026-11-28T10:00:01Z", {}), asked)
    assert not doubt.about(link, Record("Appointment", "a1", "v2", SECOND, {}), asked + timedelta(seconds=1))
