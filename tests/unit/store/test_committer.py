"""The committer decides one group while the one before it is written, and answers nobody too early."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from fhirserver.kernel.outcomes import Category, Refusal
from fhirserver.ports.log import Commit, LostRace, Statement
from fhirserver.ports.storage import Projection
from fhirserver.storage.memory.storage import MemoryStorage
from fhirserver.store.commands import Command, Put
from fhirserver.store.state import Policies
from fhirserver.store.store import Store
from fhirserver.world.sources import Source


class SlowStorage(MemoryStorage):
    """A real storage whose appends wait for permission, and can be made to fail once."""

    def __init__(self) -> None:
        super().__init__()
        self.may_append = asyncio.Event()
        self.may_append.set()
        self.begun = 0
        self.errors: list[Exception] = []

    async def append(self, expected: int, commits: Sequence[Commit], projection: Projection) -> None:
        self.begun += 1
        await self.may_append.wait()
        if self.errors:
            raise self.errors.pop(0)
        await super().append(expected, commits, projection)


@pytest.fixture
async def storage() -> SlowStorage:
    return SlowStorage()


@pytest.fixture
async def store(storage: SlowStorage) -> AsyncIterator[Store]:
    sources = {"ehr": Source("ehr", "ehr", authoritative=True)}
    made = Store(storage, Policies(sources, lambda resource: ()), lambda resource: ())
    await made.open()
    yield made
    storage.may_append.set()
    await made.close()


def put(family: str, if_match: int | None = None) -> Command:
    content = {"resourceType": "Patient", "id": "p", "name": [{"family": family}]}
    return Command(Statement("ehr"), (Put("Patient", "p", content, if_match=if_match),))


async def flying(storage: SlowStorage, store: Store, command: Command) -> asyncio.Task[object]:
    """A command whose append has begun and waits."""
    storage.may_append.clear()
    begun = storage.begun
    task: asyncio.Task[object] = asyncio.ensure_future(store.submit(command))
    while storage.begun == begun:
        await asyncio.sleep(0)
    return task


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_the_next_group_is_decided_on_the_state_the_first_will_leave(
    storage: SlowStorage, store: Store
) -> None:
    first = await flying(storage, store, put("One"))
    second = asyncio.ensure_future(store.submit(put("Two", if_match=1)))
    await settle()
    assert not first.done()
    assert not second.done()
    storage.may_append.set()
    await first
    outcome = await second
    assert outcome.position == 2
    version = await store.read("Patient", "p")
    assert version is not None
    assert version.version == 2


async def test_a_refusal_that_rests_on_a_group_in_the_air_waits_for_it(
    storage: SlowStorage, store: Store
) -> None:
    first = await flying(storage, store, put("One"))
    second = asyncio.ensure_future(store.submit(put("Two", if_match=7)))
    await settle()
    assert not second.done()
    storage.may_append.set()
    await first
    with pytest.raises(Refusal) as refused:
        await second
    assert refused.value.category is Category.PRECONDITION_FAILED


async def test_when_the_first_group_fails_the_second_is_decided_again(
    storage: SlowStorage, store: Store
) -> None:
    first = await flying(storage, store, put("One"))
    second = asyncio.ensure_future(store.submit(put("Two", if_match=1)))
    third = asyncio.ensure_future(store.submit(put("Three")))
    await settle()
    storage.errors.append(OSError("disk full"))
    storage.may_append.set()
    with pytest.raises(OSError, match="disk full"):
        await first
    with pytest.raises(Refusal):
        await second
    assert (await third).position == 1


async def test_an_unfounded_refusal_is_not_given_when_its_ground_falls(
    storage: SlowStorage, store: Store
) -> None:
    first = await flying(storage, store, put("One"))
    absent = Command(
        Statement("ehr"),
        (Put("Patient", "p", {"resourceType": "Patient", "id": "p", "active": True}, if_absent=True),),
    )
    second = asyncio.ensure_future(store.submit(absent))
    await settle()
    storage.errors.append(OSError("disk full"))
    storage.may_append.set()
    with pytest.raises(OSError, match="disk full"):
        await first
    assert (await second).position == 1


async def test_after_a_lost_race_both_groups_are_decided_again_in_order(
    storage: SlowStorage, store: Store
) -> None:
    first = await flying(storage, store, put("One"))
    second = asyncio.ensure_future(store.submit(put("Two", if_match=1)))
    await settle()
    storage.errors.append(LostRace())
    storage.may_append.set()
    await first
    assert (await second).position == 2


async def test_closing_commits_what_is_in_the_air_and_what_waits(storage: SlowStorage, store: Store) -> None:
    first = await flying(storage, store, put("One"))
    second = asyncio.ensure_future(store.submit(put("Two")))
    await settle()
    storage.may_append.set()
    await store.close()
    assert first.done()
    assert (await second).position == 2
    await store.open()


async def test_a_long_run_keeps_no_old_state(storage: SlowStorage, store: Store) -> None:
    """The state handed from group to group holds what the last one changed, not all that ever was."""
    for number in range(50):
        content = {"resourceType": "Patient", "id": f"p{number}"}
        await store.submit(Command(Statement("ehr"), (Put("Patient", f"p{number}", content),)))
    flying_one = await flying(storage, store, put("Last"))
    begun = await store._committer._begin()
    assert len(begun.state.entities) == 1
    storage.may_append.set()
    await flying_one
