"""An EHR that objects for ever: tried a bounded number of times, then for a person."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from adapters.runner.tries import MOST_CONFLICTS, MOST_NEWS, OBJECTING_SECONDS, Tries
from fhirserver.ports.ehr import Change, Conflict, Page, Record
from tests.unit.runner.practice import Practice, make_store


class Stubborn:
    """An EHR in which something is always in the way: of a create another record, of an update a newer version."""

    def __init__(self) -> None:
        self.count, self.pushed = itertools.count(1), 0

    async def push(self, change: Change) -> Any:
        self.pushed += 1
        version = str(next(self.count))
        content = {"resourceType": change.type, "id": "other", "name": [{"family": "Other"}]}
        raise Conflict("no", current=Record(change.type, "other", version, "", content))

    async def pull(self, cursor: Any = None) -> AsyncIterator[Page]:
        for _ in ():
            yield _


@pytest.fixture
async def practice(tmp_path: Path) -> AsyncIterator[Practice]:
    store = make_store(tmp_path / "world.db")
    await store.open()
    yield Practice(store, Stubborn())
    await store.close()


async def test_a_create_that_something_else_is_always_in_the_way_of_ends(practice: Practice) -> None:
    await practice.put("operator", "Patient", "p1", {"name": [{"family": "Lane"}]})
    await practice.follow()
    async with asyncio.timeout(20):
        while await practice.statuses() not in (["failed"],):
            await practice.outbound.push_due()
    assert practice.ehr.pushed <= MOST_NEWS


def test_objections_count_only_when_they_are_many_and_long_or_when_their_reason_was_seen() -> None:
    chance, reason = Conflict("no"), Conflict("taken", explained=True)
    tries = Tries()
    for _ in range(3 * MOST_CONFLICTS):
        tries.objected(chance, False, 100.0)
    assert not tries.is_refused(100.0 + OBJECTING_SECONDS - 1)
    assert tries.is_refused(100.0 + OBJECTING_SECONDS)
    tries = Tries()
    tries.objected(chance, False, 100.0)
    assert not tries.is_refused(1000.0)
    for _ in range(MOST_CONFLICTS):
        tries.objected(reason, False, 100.0)
    assert tries.is_refused(100.0)
