"""The trail outlives the server's key: what older keys sealed is verified, and who has one of them changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

import pytest

from fhirserver.access.audit.chain import Chain, events_of, packed
from fhirserver.access.audit.event import KEY_CHANGED, Event
from fhirserver.access.audit.recorder import Recorder
from fhirserver.access.audit.rekeying import UnknownKey, change_key
from fhirserver.access.audit.verifying import verify
from fhirserver.access.server_key import FormerKey, ServerKey
from fhirserver.ports.audit import Sealed
from fhirserver.storage.memory.audit import MemoryTrail
from fhirserver.storage.memory.storage import MemoryStorage

SECRETS = [letter.encode() * 32 for letter in "abc"]
FIRST, SECOND, THIRD = (ServerKey(secret) for secret in SECRETS)


class Storage(NamedTuple):
    """All that the recorder wants of a storage."""

    trail: MemoryTrail


def after(number: int) -> ServerKey:
    """The key of this number, beside which the ones before still stand, though their time is over."""
    return ServerKey(SECRETS[number], [FormerKey(secret, 0) for secret in reversed(SECRETS[:number])])


async def write(trail: MemoryTrail, key: ServerKey, *ids: str) -> None:
    """A process with this key notes something."""
    recorder = Recorder(Storage(trail), Chain(key))
    for id in ids:
        recorder.note(Event("read", 1, "Patient", id, "1"))
        await recorder.flush()


async def trail_of_three() -> MemoryTrail:
    """Two batches with each key, and before those of the second and third the one that says so."""
    trail = MemoryTrail()
    for number in range(3):
        await write(trail, after(number), f"{number}-a", f"{number}-b")
    return trail


async def flaws(batches: Sequence[Sealed], key: ServerKey = THIRD) -> list[str]:
    storage = MemoryStorage()
    await storage.open()
    for batch in batches:
        storage.trail._batches[batch.number] = batch  # type: ignore[attr-defined]
    return (await verify(storage, Chain(key))).flaws


async def batches_of(trail: MemoryTrail) -> list[Sealed]:
    return list(await trail.read(0, 1000))


async def test_the_key_of_now_verifies_what_those_before_sealed() -> None:
    batches = await batches_of(await trail_of_three())
    assert len(batches) == 8 and len({batch.key for batch in batches}) == 3
    assert [one.what for batch in batches for one in events_of(batch)].count(KEY_CHANGED) == 2
    assert await flaws(batches) == [], "and no other file is needed"
    assert await flaws(batches[4:]) == ["batch 5: what was before it is gone, and nothing says why"], (
        "a beginning may be gone, and then what it is verified by is gone with it"
    )


async def test_nothing_of_the_older_keys_is_told() -> None:
    batches = await batches_of(await trail_of_three())
    kept = b"".join(repr(event).encode() for batch in batches for event in events_of(batch))
    for number, secret in enumerate(SECRETS):
        own = ServerKey(secret).derive("audit trail")
        assert secret.hex().encode() not in kept and own.hex().encode() not in kept, number
    assert "another key" in (await flaws(batches, SECOND))[-1], "an older key opens nothing later"


@pytest.mark.parametrize("number", range(8))
async def test_a_changed_entry_is_found_whatever_key_sealed_it(number: int) -> None:
    batches = await batches_of(await trail_of_three())
    one = batches[number]
    events = [event._replace(id="somebody-else") for event in events_of(one)]
    batches[number] = one._replace(data=packed(events))
    assert (await flaws(batches))[
        0
    ] == f"batch {number + 1}: it was changed: the seal is not that of its content"


@pytest.mark.parametrize("stolen", [0, 1])
async def test_who_has_an_old_key_cannot_seal_the_past_anew(stolen: int) -> None:
    batches = await batches_of(await trail_of_three())
    chain, forged = Chain(after(stolen)), list[Sealed]()
    for batch in batches:
        if batch.key == chain.name:
            events = [
                event if event.what == KEY_CHANGED else event._replace(id="x") for event in events_of(batch)
            ]
            before = forged[-1] if forged else None
            batch = chain.sealed(before, events, packed(events))
        forged.append(batch)
    found = await flaws(forged)
    first_later = next(batch.number for batch in batches if batch.key == Chain(after(stolen + 1)).name)
    assert found == [f"batch {first_later}: it does not follow the one before it, which was exchanged"]


async def test_who_has_an_old_key_cannot_seal_anything_behind_the_change() -> None:
    trail = await trail_of_three()
    last = await trail.last()
    event = Event("read", 1, "Patient", "forged", "1")
    forged = Chain(SECOND).sealed(last, [event], packed([event]))
    assert await trail.append(forged)
    await write(trail, after(2), "later")
    assert "whose place that has not taken" in (await flaws(await batches_of(trail)))[0]


async def test_a_change_of_the_key_that_was_taken_out_is_missed() -> None:
    batches = await batches_of(await trail_of_three())
    found = await flaws([batch for batch in batches if batch.number != 6])
    assert "batch 7: the one before it is missing" in found


async def test_a_key_that_is_not_there_any_more_cannot_be_taken_over() -> None:
    trail = MemoryTrail()
    await write(trail, FIRST, "a")
    with pytest.raises(UnknownKey):
        await change_key(Storage(trail), Chain(SECOND), Chain(FIRST).name)
    await write(trail, SECOND, "b")
    found = await flaws(await batches_of(trail), SECOND)
    assert found[0] == "batch 1: it is sealed with another key than the server's"
    assert found[1].endswith("whose place that has not taken")


async def test_a_process_that_runs_takes_the_new_key_when_another_has_sealed_with_it() -> None:
    trail, keys = MemoryTrail(), [FIRST]
    running = Recorder(Storage(trail), Chain(FIRST), renewed=lambda: Chain(keys[0]))
    running.note(Event("read", 1, id="before"))
    await running.flush()
    keys[0] = after(1)
    assert await change_key(Storage(trail), Chain(after(1)), Chain(FIRST).name)
    assert await change_key(Storage(trail), Chain(after(1)), Chain(FIRST).name) is None, "it is said once"
    other = Recorder(Storage(trail), Chain(after(1)))
    for number in range(6):
        (running, other)[number % 2].note(Event("read", 1, id=str(number)))
        await asyncio.gather(running.flush(), other.flush())
    batches = await batches_of(trail)
    assert await flaws(batches, SECOND) == []
    noted = [event.id for batch in batches for event in events_of(batch) if event.what == "read"]
    assert sorted(noted) == ["0", "1", "2", "3", "4", "5", "before"]


async def test_an_empty_trail_has_nothing_to_say() -> None:
    assert await change_key(Storage(MemoryTrail()), Chain(after(1)), Chain(FIRST).name) is None
