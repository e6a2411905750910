"""The recorder loses nothing: events wait until they are written, and requests wait for events."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

import pytest

from fhirserver.access.audit import recorder as module
from fhirserver.access.audit.chain import Chain, events_of
from fhirserver.access.audit.event import Event
from fhirserver.access.audit.recorder import AT_ONCE, MOST_WAITING, Recorder
from fhirserver.access.server_key import ServerKey
from fhirserver.kernel.outcomes import Category, Refusal
from fhirserver.ports.audit import Sealed, Trail
from fhirserver.storage.memory.audit import MemoryTrail

CHAIN = Chain(ServerKey(b"k" * 32))


class Storage(NamedTuple):
    """All that the recorder wants of a storage."""

    trail: Trail


async def written(trail: Trail) -> list[str]:
    return [event.id for batch in await trail.read(0, 10_000) for event in events_of(batch)]


class FailingTrail(MemoryTrail):
    failing = True

    async def append(self, batch: Sealed) -> bool:
        if self.failing:
            raise OSError("disk full")
        return await super().append(batch)


async def test_events_are_written_in_order_with_the_time_of_noting_where_they_have_none() -> None:
    trail = MemoryTrail()
    recorder = Recorder(Storage(trail), CHAIN)
    recorder.note(Event("read", 5, id="a"))
    recorder.note(Event("read", id="b"))
    await recorder.flush()
    await recorder.flush()
    [batch] = await trail.read(0, 9)
    first, second = events_of(batch)
    assert (first.at, first.id, second.id) == (5, "a", "b") and second.at > 10**15


async def test_nothing_is_written_while_nothing_is_noted() -> None:
    trail = MemoryTrail()
    await Recorder(Storage(trail), CHAIN).flush()
    assert await trail.last() is None


async def test_writers_of_one_trail_make_one_chain() -> None:
    trail = MemoryTrail()
    writers = [Recorder(Storage(trail), CHAIN) for _ in range(3)]
    for number in range(30):
        writers[number % 3].note(Event("read", 1, id=str(number)))
        if number % 5 == 4:
            await asyncio.gather(*(one.flush() for one in writers))
    batches = await trail.read(0, 100)
    assert [CHAIN.flaw(before, one) for before, one in zip([None, *batches], batches, strict=False)] == [
        ""
    ] * len(batches)
    assert sorted(await written(trail), key=int) == [str(number) for number in range(30)]


async def test_many_events_become_several_batches() -> None:
    trail = MemoryTrail()
    recorder = Recorder(Storage(trail), CHAIN)
    for number in range(AT_ONCE * 2 + 1):
        recorder.note(Event("read", 1, id=str(number)))
    await recorder.flush()
    assert [batch.entries for batch in await trail.read(0, 10)] == [AT_ONCE, AT_ONCE, 1]
    assert await written(trail) == [str(number) for number in range(AT_ONCE * 2 + 1)]


async def test_events_that_are_too_large_together_are_parted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fhirserver.access.audit.chain.MOST_BYTES", 1000)
    trail = MemoryTrail()
    recorder = Recorder(Storage(trail), CHAIN)
    for number in range(7):
        recorder.note(Event("read", 1, id=str(number), query="x" * 300))
    await recorder.flush()
    assert await written(trail) == list("0123456")
    assert len(await trail.read(0, 100)) > 3


async def test_what_cannot_be_written_waits_and_is_written_later() -> None:
    trail = FailingTrail()
    recorder = Recorder(Storage(trail), CHAIN)
    recorder.note(Event("read", 1, id="a"))
    with pytest.raises(OSError):
        await recorder.flush()
    recorder.note(Event("read", 1, id="b"))
    trail.failing = False
    await recorder.flush()
    assert await written(trail) == ["a", "b"]


async def test_a_full_buffer_makes_requests_wait_and_at_last_refuses_them() -> None:
    trail = FailingTrail()
    recorder = Recorder(Storage(trail), CHAIN, seconds=0.001, patience=0.05)
    for _ in range(MOST_WAITING):
        recorder.note(Event("read", 1))
    assert recorder.is_full
    running = asyncio.create_task(recorder.run())
    try:
        with pytest.raises(Refusal) as refused:
            await recorder.room()
        assert refused.value.category is Category.BUSY
        trail.failing = False
        recorder_with_patience = asyncio.create_task(recorder.room())
        while recorder.is_full:
            await asyncio.sleep(0.001)
        await recorder_with_patience
    finally:
        running.cancel()
    await recorder.flush()
    assert len(await written(trail)) == MOST_WAITING


async def test_the_loop_writes_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    trail = MemoryTrail()
    recorder = Recorder(Storage(trail), CHAIN, seconds=0.001)
    running = asyncio.create_task(recorder.run())
    recorder.note(Event("read", 1, id="a"))
    while not await written(trail):
        await asyncio.sleep(0.001)
    running.cancel()
    assert module.SECONDS == 1.0 and await written(trail) == ["a"]
