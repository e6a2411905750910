"""What every storage's journals must hold to.

Run with :class:`tests.contracts.storage_contract.StorageContract`, which gives the fixtures.
"""

from __future__ import annotations

import asyncio
from decimal import Decimal

from fhirserver.ports.journals import Entry, Journals
from fhirserver.ports.storage import Storage
from tests.contracts.places import Place, connected


class JournalsContract:
    """Numbered entries that are appended where the journal ends, or not at all."""

    async def test_entries_are_put_where_the_journal_ends_and_nowhere_else(self, storage: Storage) -> None:
        journals = storage.journals
        assert not await journals.append("chat/a", 1, [{"n": 2}]), "a gap would be left"
        assert await journals.append("chat/a", 0, [{"n": 1}, {"n": Decimal("2.50")}])
        assert not await journals.append("chat/a", 0, [{"n": 9}]), "something stands there"
        assert not await journals.append("chat/a", 1, [{"n": 9}]), "in the middle of what was put at once"
        assert await journals.append("chat/a", 2, [{"n": 3}])
        assert await journals.append("chat/a", 3, []) and not await journals.append("chat/a", 2, [])
        read = await journals.read("chat/a")
        assert read == [Entry(1, {"n": 1}), Entry(2, {"n": Decimal("2.50")}), Entry(3, {"n": 3})]

    async def test_journals_are_read_from_any_entry_on_and_in_parts(self, storage: Storage) -> None:
        journals = storage.journals
        for lot in range(5):
            assert await journals.append("a", lot * 3, [{"n": lot * 3 + place} for place in (1, 2, 3)])
        assert await journals.append("b", 0, [{"other": True}])
        for after in range(16):
            read = await journals.read("a", after)
            assert [entry.number for entry in read] == list(range(after + 1, 16))
            assert all(entry.value["n"] == entry.number for entry in read)
            part = await journals.read("a", after, 4)
            assert list(part) == list(read)[:4]
        assert await journals.read("none") == []

    async def test_journals_are_found_by_how_their_names_begin_in_order_and_by_pages(
        self, storage: Storage
    ) -> None:
        journals = storage.journals
        for name in ("b/2", "a/é%_", "b/10", "B/1", "b", "b.1", "c"):
            assert await journals.append(name, 0, [{}, {}])
        assert await journals.names("b/") == ["b/10", "b/2"]
        assert await journals.names("a/é%") == ["a/é%_"] and await journals.names("a/%") == []
        assert len(await journals.names("")) == 7
        first = await journals.names("b", limit=2)
        assert list(first) == ["b", "b.1"]
        assert await journals.names("b", first[-1], 2) == ["b/10", "b/2"]
        assert await journals.names("b", "a") == ["b", "b.1", "b/10", "b/2"], "from before the first"
        assert await journals.names("b", "b/2") == await journals.names("b", "c") == []

    async def test_a_journal_that_is_removed_begins_anew(self, storage: Storage) -> None:
        journals = storage.journals
        await journals.remove("a")
        await journals.append("a", 0, [{"n": 1}])
        await journals.append("ab", 0, [{"n": 1}])
        await journals.remove("a")
        assert await journals.read("a") == [] and await journals.names("") == ["ab"]
        assert await journals.append("a", 0, [{"n": 2}])
        assert await journals.read("a") == [Entry(1, {"n": 2})]

    async def test_of_many_that_append_at_once_each_number_has_one(self, place: Place) -> None:
        async with connected(place) as one, connected(place) as other:

            async def add(journals: Journals, who: str, times: int) -> None:
                while times:
                    end = len(await journals.read("n"))
                    times -= await journals.append("n", end, [{"who": who, "left": times}])

            ways = {"a": one.journals, "b": other.journals, "c": one.journals, "d": other.journals}
            await asyncio.gather(*(add(journals, who, 12) for who, journals in ways.items()))
            read = await one.journals.read("n")
            assert [entry.number for entry in read] == list(range(1, 49))
            for who in ways:
                assert [e.value["left"] for e in read if e.value["who"] == who] == list(range(12, 0, -1))

    async def test_what_is_written_together_has_its_own_outcome_each(self, storage: Storage) -> None:
        journals = storage.journals
        wanted = [journals.append(f"j/{n % 20}", 0, [{"n": n}]) for n in range(40)]
        done = await asyncio.gather(*wanted)
        assert sum(done) == 20
        for n in range(20):
            (entry,) = await journals.read(f"j/{n}")
            assert done[entry.value["n"]] and entry.value["n"] % 20 == n

    async def test_journals_outlast_the_connection_and_are_no_part_of_what_is_made_from_the_log(
        self, place: Place
    ) -> None:
        async with connected(place) as storage:
            before = list(await storage.dump())
            assert await storage.journals.append("a", 0, [{"b": 1}])
            assert list(await storage.dump()) == before
            await storage.clear_projections()
        async with connected(place) as storage:
            assert await storage.journals.read("a") == [Entry(1, {"b": 1})]
