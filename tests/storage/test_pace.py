from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

from fhirserver.ports.log import Statement
from fhirserver.storage.sqlite.pace import SHORT_SECONDS, Pace
from fhirserver.storage.sqlite.storage import SqliteStorage
from fhirserver.store.commands import Command, Put
from tests.contracts.places import SqlitePlace, opened


def learned(seconds: float, resources: int) -> Pace:
    pace = Pace()
    for _ in range(50):
        pace.took(seconds, resources)
    return pace


def test_nothing_is_taken_for_short_before_something_is_known() -> None:
    assert not Pace().is_short(1)


def test_a_fast_disk_and_few_resources_are_short() -> None:
    pace = learned(0.0008, 4)
    assert pace.is_short(4)
    assert not pace.is_short(500)


def test_a_slow_disk_is_never_short() -> None:
    assert not learned(2 * SHORT_SECONDS, 1).is_short(1)


def test_a_disk_that_becomes_slow_is_noticed() -> None:
    pace = learned(0.0005, 1)
    for _ in range(20):
        pace.took(0.02, 1)
    assert not pace.is_short(1)


async def test_the_loop_goes_on_while_a_slow_append_is_made(tmp_path: Path) -> None:
    class Slow(SqliteStorage):
        def _append(self, *given: Any) -> None:
            time.sleep(0.05)
            super()._append(*given)

    place = SqlitePlace(tmp_path / "tenant.db")
    async with opened(place, Slow(tmp_path / "tenant.db")) as store:
        for number in range(5):
            await store.submit(_put(f"before-{number}"))
        waiting = asyncio.create_task(store.submit(_put("a")))
        turns = 0
        while not waiting.done():
            await asyncio.sleep(0.001)
            turns += 1
    assert turns > 10


def _put(id: str) -> Command:
    return Command(Statement("ehr"), [Put("Patient", id, {"resourceType": "Patient", "id": id})])
