"""What every storage must hold to when several write at once, in one process.

Run with :class:`tests.contracts.storage_contract.StorageContract`, which gives the fixture ``place``.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Sequence
from typing import Any

import pytest

from fhirserver.kernel.outcomes import Category
from fhirserver.ports.log import Commit, LostRace, Statement
from fhirserver.ports.storage import Projection, Storage
from fhirserver.search.expression import Query
from fhirserver.store.commands import Command, Note, Put
from fhirserver.store.store import Store
from tests.contracts.places import EHR, Place, connected, opened
from tests.contracts.storage_work import (
    NOTHING,
    batch,
    by_identifier,
    dump,
    identified,
    outcomes,
    patient,
    put,
    random_work,
)


class RacingContract:
    """Part of the contract of a storage."""

    async def test_of_two_at_the_same_head_one_loses(self, place: Place) -> None:
        async with connected(place) as one, connected(place) as other:
            assert await one.head() == await other.head()
            await one.append(0, batch(1, 3, "one"), NOTHING)
            with pytest.raises(LostRace):
                await other.append(0, batch(1, 5, "other"), NOTHING)
            assert await other.read_log(0, 10) == batch(1, 3, "one")
            await other.append(3, batch(4, 1, "other"), NOTHING)
            with pytest.raises(LostRace):
                await one.append(3, batch(4, 1, "one"), NOTHING)
            assert (await one.head()).position == 4

    async def test_a_follower_sees_whole_batches_in_order(self, place: Place) -> None:
        """Writers with batches of different sizes race; a reader polls and must never see a gap."""
        batches = 24
        async with contextlib.AsyncExitStack() as stack:
            writers = [await stack.enter_async_context(connected(place)) for _ in range(3)]
            reader = await stack.enter_async_context(connected(place))
            done = asyncio.Event()
            following = asyncio.create_task(_follow(reader, done))
            sizes = [1, 2, 5]
            won = await asyncio.gather(
                *(_write_batches(w, f"w{n}", sizes[n], batches // 3) for n, w in enumerate(writers))
            )
            done.set()
            seen = await asyncio.wait_for(following, 30)
            assert [found.position for found in seen] == list(range(1, sum(sizes) * batches // 3 + 1))
            assert _batches(seen) == sorted(itertools.chain(*won))

    async def test_group_commit_with_outcomes_of_their_own(self, place: Place) -> None:
        storage = _Counting(place.storage())
        async with opened(place, storage) as store:
            await store.submit(put("known"))
            refused = Command(
                EHR, [Put("Patient", "known", patient("known", "X"), if_match=9), *put("half").writes]
            )
            unknown = Command(Statement("nobody"), [Put("Patient", "n", patient("n"))])
            good = [put(f"p{number}") for number in range(40)]
            commands = [*good[:20], refused, unknown, *good[20:]]
            appends = storage.appends
            found = await outcomes(*(store.submit(command) for command in commands))
            assert found == {"ok": 40, "PRECONDITION_FAILED": 1, "FORBIDDEN": 1}
            assert storage.appends - appends < 10
            assert await store.read("Patient", "half") is None
            assert (await store.storage.head()).position == 41

    async def test_one_of_many_updates_of_a_version_wins(self, place: Place) -> None:
        async with opened(place) as one, opened(place) as other:
            await one.submit(put("p"))
            updates = [
                Command(EHR, [Put("Patient", "p", patient("p", f"F{number}"), if_match=1)])
                for number in range(100)
            ]
            submitted = (
                store.submit(u) for store, u in zip(itertools.cycle([one, other]), updates, strict=False)
            )
            assert await outcomes(*submitted) == {"ok": 1, "PRECONDITION_FAILED": 99}
            assert [found.version for found in await other.history("Patient", "p", 9)] == [2, 1]

    async def test_conditional_creates_make_one_resource(self, place: Place) -> None:
        async with opened(place) as one, opened(place) as other:
            creates = [
                Command(
                    EHR,
                    [
                        Put(
                            "Patient",
                            f"n{n}",
                            patient(f"n{n}", identifier=identified("7")),
                            create=True,
                            unless="c",
                        )
                    ],
                    {"c": by_identifier("7")},
                )
                for n in range(50)
            ]
            answers = await asyncio.gather(
                *(store.submit(c) for store, c in zip(itertools.cycle([one, other]), creates, strict=False))
            )
            written = [answer.results[0] for answer in answers]
            assert [result.created for result in written].count(True) == 1
            assert len({result.key for result in written}) == 1
            assert await one.count(by_identifier("7")) == 1
            assert (await other.storage.head()).position == 1

    async def test_a_checkpoint_moves_once(self, place: Place) -> None:
        """Two processes run the same follower: every effect is there once, in order."""
        steps = 12
        async with opened(place) as one, opened(place) as other:
            found = await asyncio.gather(_advance(one, "a", steps), _advance(other, "b", steps))
            assert sum(found) == steps
            effects = [
                event
                for one_commit in await one.read_log(0, 1000)
                for event in one_commit.events
                if event["e"] == "asserted"
            ]
            assert [event["id"] for event in effects] == [f"effect-{step}" for step in range(1, steps + 1)]
            fact = await other.fact("checkpoint", "follower")
            assert fact is not None
            assert fact.value == {"position": steps}

    async def test_provenance_is_derived_once_by_however_many(self, place: Place) -> None:
        async with opened(place) as one, opened(place) as other:
            await random_work(one, 9, 10)
            stores = [one, other, one, other]
            await asyncio.gather(*(store.derive_provenance() for store in stores))
            before = await dump(one.storage)
            log = await one.read_log(0, 1000)
            about = [found for found in log if any(event["e"] != "noted" for event in found.events)]
            assert await other.count(Query("Provenance")) == len(about)
            page = await other.search(Query("Provenance", count=1000))
            assert {found.id for found in page.versions} == {found.id for found in about}
            await one.rebuild()
            assert await dump(one.storage) == before


async def _write_batches(storage: Storage, name: str, size: int, count: int) -> list[tuple[int, int]]:
    """Append ``count`` batches whatever the others do; returns first position and size of each."""
    made: list[tuple[int, int]] = []
    while len(made) < count:
        head = await storage.head()
        if head.projected < head.position:
            await asyncio.sleep(0.002)  # the one who appended is about to project
            continue
        with contextlib.suppress(LostRace):
            await storage.append(head.position, batch(head.position + 1, size, name), NOTHING)
            made.append((head.position + 1, size))
        await asyncio.sleep(0)
    return made


async def _follow(storage: Storage, done: asyncio.Event) -> list[Commit]:
    """Read as a follower does until the writers are done and the log is at its end."""
    seen: list[Commit] = []
    while True:
        last = done.is_set()
        found = await storage.read_log(len(seen), 1000)
        assert [one.position for one in found] == list(range(len(seen) + 1, len(seen) + len(found) + 1))
        seen += found
        if found:
            _assert_whole(seen)
        elif last:
            return seen
        await asyncio.sleep(0)


def _assert_whole(seen: list[Commit]) -> None:
    """The last batch is there to its end: batches of w0, w1, w2 have 1, 2 and 5 commits."""
    run = list(itertools.takewhile(lambda one: _writer(one) == _writer(seen[-1]), reversed(seen)))
    assert len(run) % {"w0": 1, "w1": 2, "w2": 5}[_writer(seen[-1])] == 0


def _writer(one: Commit) -> str:
    return one.id.rpartition("-")[2]


def _batches(seen: list[Commit]) -> list[tuple[int, int]]:
    """First position and size of every batch, by who wrote it."""
    found: list[tuple[int, int]] = []
    for name, run in itertools.groupby(seen, _writer):
        size = {"w0": 1, "w1": 2, "w2": 5}[name]
        commits = list(run)
        found += [(commits[at].position, size) for at in range(0, len(commits), size)]
    return found


async def _advance(store: Store, name: str, steps: int) -> int:
    """Run a follower's steps; returns how many of them this one made."""
    made = 0
    while True:
        known = await store.fact("checkpoint", "follower")
        step = (known.value["position"] if known else 0) + 1
        if step > steps:
            return made
        effect = Put(
            "Basic",
            f"effect-{step}",
            {"resourceType": "Basic", "id": f"effect-{step}", "code": {"text": name}},
        )
        note = Note("checkpoint", "follower", {"position": step}, advance=True)
        found = await outcomes(store.submit(Command(EHR, [note, effect])))
        made += found["ok"]
        assert found.keys() <= {"ok", Category.CONFLICT.name}


class _Counting:
    """Passes everything on and counts appends."""

    def __init__(self, storage: Storage):
        self._storage = storage
        self.appends = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)

    async def append(self, expected: int, commits: Sequence[Commit], projection: Projection) -> None:
        self.appends += 1
        await self._storage.append(expected, commits, projection)
