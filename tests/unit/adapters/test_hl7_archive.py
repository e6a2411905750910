"""The archive: what people see of the messages that were received, and how a failure is closed."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from adapters.hl7v2.intake.archive import Archive
from adapters.hl7v2.intake.ingest import Rejected
from fhirserver.storage.memory.storage import MemoryStorage
from fhirserver.store.state import Policies
from fhirserver.store.store import Store
from fhirserver.world.sources import Source
from tests.unit.adapters.test_hl7_reception import SOURCES, Desk, adt

SYSTEM = {"credence": Source("credence", "system", authoritative=True)}


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    store = Store(MemoryStorage(), Policies({**SOURCES, **SYSTEM}, lambda resource: ()))
    await store.open()
    yield Desk(store)
    await store.close()


async def test_messages_are_listed_by_time_and_found_by_control_id(desk: Desk) -> None:
    archive = Archive(desk.store)
    for minute in range(3):
        desk.clock.at = desk.clock.at.replace(minute=minute)
        await desk.send(adt(str(minute)))
    assert [one.control_id for one in await archive.received("lab", "2026-11-28T15:")] == ["0", "1", "2"]
    assert [one.control_id for one in await archive.received("lab", "2026-11-28T15:01")] == ["1"]
    assert await archive.received("other", "2026") == []
    (found,) = await archive.by_control_id("lab", "1")
    assert (found.code, found.event, found.sender, found.at) == (
        "AA",
        "ADT^A08",
        ("LAB", "NORTH"),
        "2026-11-28T15:01:00.000Z",
    )
    assert await archive.raw(found) == adt("1")
    assert await archive.entry(found.key) == found
    assert await archive.by_control_id("lab", "77") == []


async def test_a_failure_is_listed_until_it_is_closed(desk: Desk) -> None:
    archive = Archive(desk.store)
    desk.ingest.errors = [Rejected("AE", "204", "PID-3", "not known")]
    await desk.send(adt())
    await desk.send(b"nonsense")
    first, second = await archive.failures()
    if first.control_id != "1":
        first, second = second, first
    assert (first.code, first.error, first.place, first.text, first.open) == (
        "AE",
        "204",
        "PID-3",
        "not known",
        True,
    )
    assert await archive.raw(first) == adt()
    assert (second.code, second.place, await archive.raw(second)) == ("AR", "line 1", b"nonsense")
    assert await archive.by_control_id("lab", "1") == [first]
    await archive.close(second, "sent as text by mistake", "ops")
    assert await archive.failures("lab") == [first]
    closed = await archive.entry(second.key)
    assert closed is not None and (closed.open, closed.settled) == (False, "sent as text by mistake")
    assert len(await archive.failures(settled=True)) == 2
    await desk.send(adt())
    assert await archive.failures() == []
    (found,) = await archive.by_control_id("lab", "1")
    assert found.code == "AA"
