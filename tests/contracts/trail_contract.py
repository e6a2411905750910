"""What every storage's audit trail must hold to.

Run with :class:`tests.contracts.storage_contract.StorageContract`, which gives the fixtures.
"""

from __future__ import annotations

import asyncio

from fhirserver.ports.audit import Sealed, Trail
from fhirserver.ports.storage import Storage
from tests.contracts.places import Place, connected


def sealed(number: int, since: int = 0, until: int = 0, by: str = "") -> Sealed:
    data = f"entries {number} {by}".encode()
    return Sealed(number, since, until, 3, b"[[1,2]]", 2, data, b"\x00before", "key", b"\xff\x00seal")


class TrailContract:
    """Batches that are only ever appended."""

    async def test_batches_are_put_one_behind_the_other_and_nowhere_else(self, storage: Storage) -> None:
        trail = storage.trail
        assert await trail.last() is None and list(await trail.read(0, 10)) == []
        assert not await trail.append(sealed(2)), "there is no first one"
        assert await trail.append(sealed(1))
        assert not await trail.append(sealed(1, by="another")), "it is there"
        assert not await trail.append(sealed(3)), "that would be a gap"
        assert await trail.append(sealed(2)) and await trail.append(sealed(3))
        assert await trail.last() == sealed(3)
        assert list(await trail.read(0, 10)) == [sealed(1), sealed(2), sealed(3)]
        assert list(await trail.read(1, 1)) == [sealed(2)]

    async def test_batches_are_found_by_the_times_of_their_entries(self, storage: Storage) -> None:
        trail = storage.trail
        for number, (since, until) in enumerate([(10, 19), (15, 30), (31, 31), (32, 50)], 1):
            assert await trail.append(sealed(number, since, until))
        assert list(await trail.between(0, 2**62)) == [1, 2, 3, 4]
        assert list(await trail.between(16, 20)) == [1, 2]
        assert list(await trail.between(19, 20)) == [1, 2]
        assert list(await trail.between(20, 32)) == [2, 3]
        assert list(await trail.between(51, 60)) == []
        assert list(await trail.between(0, 10)) == []

    async def test_old_batches_can_be_dropped_but_never_the_last(self, storage: Storage) -> None:
        trail = storage.trail
        assert await trail.drop(5) == 0
        for number in range(1, 5):
            await trail.append(sealed(number))
        assert await trail.drop(2) == 2
        assert [one.number for one in await trail.read(0, 10)] == [3, 4]
        assert await trail.drop(9) == 1, "numbers must go on where they were"
        assert [one.number for one in await trail.read(0, 10)] == [4]
        assert not await trail.append(sealed(1)) and await trail.append(sealed(5))

    async def test_of_many_that_append_at_once_one_has_each_number(self, place: Place) -> None:
        async with connected(place) as one, connected(place) as other:

            async def write(trail: Trail, by: str, times: int) -> None:
                while times:
                    end = await trail.last()
                    times -= await trail.append(sealed(end.number + 1 if end else 1, by=by))

            ways = [one.trail, other.trail, one.trail, other.trail]
            await asyncio.gather(*(write(trail, str(n), 10) for n, trail in enumerate(ways)))
            batches = await one.trail.read(0, 100)
            assert [batch.number for batch in batches] == list(range(1, 41))
            assert len({batch.data for batch in batches}) == 40
            writers = [batch.data.split()[-1] for batch in batches]
            assert all(writers.count(str(n).encode()) == 10 for n in range(4))

    async def test_what_was_appended_is_there_when_the_storage_is_opened_again(self, place: Place) -> None:
        async with connected(place) as storage:
            assert await storage.trail.append(sealed(1, 5, 6))
        async with connected(place) as storage:
            assert await storage.trail.last() == sealed(1, 5, 6)

    async def test_the_trail_is_no_part_of_what_is_made_from_the_log(self, storage: Storage) -> None:
        before = list(await storage.dump())
        await storage.trail.append(sealed(1))
        assert list(await storage.dump()) == before
        await storage.clear_projections()
        assert await storage.trail.last() is not None
