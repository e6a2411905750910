"""What is sent to an EHR is noted: which version of what, to whom, and what came of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from adapters.runner.writeback import Sink
from fhirserver.access.audit.event import WRITEBACK, Event
from fhirserver.ports.ehr import Change, EhrError, Operation, Page, Receipt, Record, Retryable
from tests.unit.runner.practice import opened


class Notes:
    """An Audit that keeps what it is told."""

    is_full = False

    def __init__(self) -> None:
        self.events: list[Event] = []

    def note(self, event: Event) -> None:
        self.events.append(event)

    async def room(self) -> None:
        raise AssertionError("there is room")


class Clinic:
    """An EHR that answers as it is told to, and takes what it is not told anything about."""

    def __init__(self, *answers: EhrError) -> None:
        self.answers, self.pushed = list(answers), list[Change]()

    async def push(self, change: Change) -> Receipt:
        self.pushed.append(change)
        if self.answers:
            raise self.answers.pop(0)
        content = {**change.content, "resourceType": change.type, "id": "r1"}
        return Receipt(Record(change.type, "r1", str(len(self.pushed)), "", content))

    async def pull(self, cursor: Any = None) -> AsyncIterator[Page]:
        for _ in ():
            yield _


async def noted(path: Path, *answers: EhrError) -> tuple[list[Event], Clinic]:
    notes, ehr = Notes(), Clinic(*answers)
    async with opened(path / "world.db", ehr, audit=notes) as practice:
        practice.outbound._delivering._sink = Sink("clinic", "ehr", place="https://ehr.example/r4")
        await practice.put("operator", "Patient", "p1", {"name": [{"family": "Lane"}]})
        await practice.settle()
    return notes.events, ehr


async def test_what_an_ehr_takes_is_noted_with_its_version_and_the_place(tmp_path: Path) -> None:
    (event,), ehr = await noted(tmp_path)
    assert [change.operation for change in ehr.pushed] == [Operation.CREATE]
    assert (event.what, event.type, event.id, event.version, event.status) == (
        WRITEBACK,
        "Patient",
        "p1",
        "1",
        200,
    )
    assert (event.principal, event.source, event.address) == (
        "writeback:clinic",
        "ehr",
        "https://ehr.example/r4",
    )
    assert event.details["recipient"] == "clinic" and event.details["result"] == "taken"
    assert "Lane" not in repr(event)


async def test_who_did_not_answer_may_have_it_and_that_is_noted_once(tmp_path: Path) -> None:
    events, ehr = await noted(tmp_path, *[Retryable("no answer") for _ in range(3)])
    assert len(ehr.pushed) == 4
    assert [(event.status, event.details["result"]) for event in events] == [(503, "again"), (200, "taken")]


async def test_what_is_refused_was_told_all_the_same(tmp_path: Path) -> None:
    events, _ = await noted(tmp_path, EhrError("no"))
    assert [(event.status, event.details["result"]) for event in events] == [(422, "refused")]
