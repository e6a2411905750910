"""What closure tables must hold to on every storage.

Run with :class:`tests.contracts.storage_contract.StorageContract`, which gives the fixtures.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

from fhirserver.kernel.json import JsonObject
from fhirserver.ports.concept_maps import ClosureEntry
from fhirserver.ports.storage import Storage
from terminology.concept_maps.closure_tables import ClosureTables
from terminology.concept_maps.placing import Placing
from terminology.service import TerminologyService
from tests.contracts.places import Place, connected

SYSTEM = "http://chain.example"
SIZE = 12


def _nested(number: int) -> JsonObject:
    """Each concept below the one before it."""
    below = {"concept": [_nested(number + 1)]} if number + 1 < SIZE else {}
    return {"code": f"c{number}", **below}


def _tables(storage: Storage) -> ClosureTables:
    system = {"resourceType": "CodeSystem", "url": SYSTEM, "content": "complete", "concept": [_nested(0)]}
    service = TerminologyService(lambda url, type: system if url == SYSTEM and type == "CodeSystem" else None)
    return ClosureTables(storage.access_records, Placing(service))


def _codings(numbers: Sequence[int]) -> list[JsonObject]:
    return [{"system": SYSTEM, "code": f"c{number}"} for number in numbers]


def _all(size: int = SIZE) -> Iterator[tuple[str, str]]:
    return ((f"c{low}", f"c{high}") for low in range(size) for high in range(low))


def _pairs(entries: Sequence[ClosureEntry]) -> list[tuple[str, str]]:
    return [(one.source, one.target) for one in entries]


class ClosureContract:
    """Tables that several processes add to, and that outlive them."""

    async def test_a_closure_table_outlives_the_connection(self, place: Place) -> None:
        async with connected(place) as storage:
            tables = _tables(storage)
            assert (await tables.initialise("me", "t")).version == "0"
            first = await tables.add("me", "t", _codings((3, 1)))
            assert (first.version, _pairs(first.entries)) == ("1", [("c3", "c1")])
        async with connected(place) as storage:
            tables = _tables(storage)
            second = await tables.add("me", "t", _codings((2,)))
            assert (second.version, set(_pairs(second.entries))) == ("2", {("c2", "c1"), ("c3", "c2")})
            assert (await tables.since("me", "t", "1")).entries == second.entries
            whole = await tables.since("me", "t", "0")
            assert whole.entries == (*first.entries, *second.entries)

    async def test_of_many_that_add_at_once_each_gets_what_is_new_with_it(self, place: Place) -> None:
        async with connected(place) as one, connected(place) as other:
            ways = [_tables(one), _tables(other)]
            await ways[0].initialise("me", "t")
            updates = await asyncio.gather(
                *(ways[n % 2].add("me", "t", _codings((n, (n * 5) % SIZE))) for n in range(SIZE))
            )
            told = [pair for update in updates for pair in _pairs(update.entries)]
            assert sorted(told) == sorted(_all()), "every entry is told once, to one of them"
            by_version = sorted(updates, key=lambda update: int(update.version))
            replayed = (await ways[1].since("me", "t", "0")).entries
            assert replayed == tuple(entry for update in by_version for entry in update.entries)

    async def test_a_table_that_is_begun_anew_while_others_add_holds_nothing_of_before(
        self, place: Place
    ) -> None:
        async with connected(place) as one, connected(place) as other:
            ways = [_tables(one), _tables(other)]
            await ways[0].initialise("me", "t")
            adding = [ways[n % 2].add("me", "t", _codings((n,))) for n in range(SIZE)]
            await asyncio.gather(*adding[:6], ways[1].initialise("me", "t"), *adding[6:])
            await ways[0].add("me", "t", _codings(range(SIZE)))
            for way in ways:
                whole = await way.since("me", "t", "0")
                assert sorted(_pairs(whole.entries)) == sorted(_all())
