"""What every storage's access records must hold to.

Run with :class:`tests.contracts.storage_contract.StorageContract`, which gives the fixtures.
"""

from __future__ import annotations

import asyncio
import time

from fhirserver.ports.access_records import AccessRecord, AccessRecords
from fhirserver.ports.storage import Storage
from tests.contracts.places import Place, connected

LATER = int(time.time()) + 3600
OVER = int(time.time()) - 1


class AccessRecordsContract:
    """Compare-and-set on durable values with an end."""

    async def test_a_record_is_put_where_there_is_none_and_then_only_at_its_revision(
        self, storage: Storage
    ) -> None:
        records = storage.access_records
        assert await records.read("client/a") is None
        assert not await records.swap("client/a", 1, {"name": "x"}), "there is none to change"
        assert await records.swap("client/a", 0, {"name": "x"})
        assert not await records.swap("client/a", 0, {"name": "y"}), "there is one already"
        assert not await records.swap("client/a", 2, {"name": "y"})
        assert await records.read("client/a") == AccessRecord("client/a", 1, {"name": "x"})
        assert await records.swap("client/a", 1, {"name": "y", "uses": 10}, LATER)
        assert await records.read("client/a") == AccessRecord("client/a", 2, {"name": "y", "uses": 10}, LATER)
        assert await records.swap("client/a", 2, {})
        assert await records.read("client/a") == AccessRecord("client/a", 3, {}), "without an end again"

    async def test_a_record_is_removed_at_its_revision_alone(self, storage: Storage) -> None:
        records = storage.access_records
        assert not await records.remove("a", 0) and not await records.remove("a", 1)
        await records.swap("a", 0, {})
        assert not await records.remove("a", 2) and await records.read("a") is not None
        assert await records.remove("a", 1) and await records.read("a") is None
        assert await records.swap("a", 0, {}), "it can be put anew"

    async def test_records_are_found_by_how_their_keys_begin_in_order_and_by_pages(
        self, storage: Storage
    ) -> None:
        records = storage.access_records
        for key in ("b/2", "a/é%_", "b/10", "B/1", "b", "b.1", "c"):
            assert await records.swap(key, 0, {"key": key}, LATER)
        assert [one.key for one in await records.find("b/")] == ["b/10", "b/2"]
        assert [one.value["key"] for one in await records.find("a/é%")] == ["a/é%_"]
        assert [one.key for one in await records.find("a/%")] == []
        assert len(await records.find("")) == 7
        first = await records.find("b", limit=2)
        assert [one.key for one in first] == ["b", "b.1"]
        rest = await records.find("b", after=first[-1].key, limit=2)
        assert [one.key for one in rest] == ["b/10", "b/2"] and rest[0].expires == LATER

    async def test_a_record_whose_end_has_come_is_not_there(self, storage: Storage) -> None:
        records = storage.access_records
        assert await records.swap("code/a", 0, {"n": 1}, OVER)
        assert await records.swap("code/b", 0, {"n": 2}, LATER)
        assert await records.read("code/a") is None
        assert [one.key for one in await records.find("code/")] == ["code/b"]
        assert not await records.swap("code/a", 1, {"n": 3}, LATER), "it is no more, and cannot be changed"
        assert not await records.remove("code/a", 1)
        assert await records.swap("code/a", 0, {"n": 4}, LATER), "its place is free"
        assert await records.read("code/a") == AccessRecord("code/a", 1, {"n": 4}, LATER)

    async def test_what_is_over_is_let_go_some_at_a_time_and_nothing_else(self, storage: Storage) -> None:
        records = storage.access_records
        for number in range(5):
            await records.swap(f"jti/{number}", 0, {}, OVER)
        await records.swap("jti/live", 0, {}, LATER)
        await records.swap("jti/always", 0, {})
        assert [await records.forget_expired(3) for _ in range(3)] == [3, 2, 0]
        assert [one.key for one in await records.find("jti/")] == ["jti/always", "jti/live"]

    async def test_of_many_that_put_a_record_at_once_one_does(self, place: Place) -> None:
        """An authorization code, or the ``jti`` of an assertion, is used once, whichever process it comes to."""
        async with connected(place) as one, connected(place) as other:
            ways = [one.access_records, other.access_records] * 4
            for over in (None, OVER):
                if over:
                    assert await ways[0].swap("jti/over", 0, {}, over)
                key = "jti/over" if over else "jti/new"
                done = await asyncio.gather(
                    *(way.swap(key, 0, {"n": n}, LATER) for n, way in enumerate(ways))
                )
                assert done.count(True) == 1
                kept = await other.access_records.read(key)
                assert kept is not None and kept.value == {"n": done.index(True)}

    async def test_of_many_records_that_swap_at_once_one_has_each_revision(self, place: Place) -> None:
        async with connected(place) as one, connected(place) as other:

            async def count_up(records: AccessRecords, times: int) -> None:
                while times:
                    seen = await records.read("n")
                    value = {"n": seen.value["n"] + 1 if seen else 1}
                    times -= await records.swap("n", seen.revision if seen else 0, value)

            ways = [one.access_records, other.access_records, one.access_records, other.access_records]
            await asyncio.gather(*(count_up(records, 5) for records in ways))
            assert await one.access_records.read("n") == AccessRecord("n", 20, {"n": 20})

    async def test_access_records_outlive_the_connection_and_are_no_part_of_the_log(
        self, place: Place
    ) -> None:
        async with connected(place) as storage:
            before = list(await storage.dump())
            await storage.access_records.swap("grant/a", 0, {"b": 1})
            assert list(await storage.dump()) == before
            await storage.clear_projections()
        async with connected(place) as storage:
            assert await storage.access_records.read("grant/a") == AccessRecord("grant/a", 1, {"b": 1})
