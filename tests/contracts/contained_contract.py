"""What every storage's search space of contained resources must hold to.

Run with :class:`tests.contracts.storage_contract.StorageContract`, which gives the fixtures.
"""

from __future__ import annotations

import asyncio
import random
from typing import Any

from fhirserver.kernel.json import JsonObject, loads
from fhirserver.ports.contained import Container, Inside, Reached, read_places
from fhirserver.ports.storage import Key, Storage
from fhirserver.search.cursor import decode
from fhirserver.search.expression import And, Expression, IdIs, Missing, Query, SortKey, TokenIs
from fhirserver.search.values import TokenValue
from fhirserver.store.commands import Command, Put, Remove
from fhirserver.store.store import Store
from tests.contracts.places import EHR, Place, opened

RECORDED = "2026-11-22T14:47:00.000Z"


def holding(pk: int, *codes: str, version: int = 1) -> Container:
    inside = [
        Inside("Patient", f"p{at}", [TokenValue("identifier", "", c)], at) for at, c in enumerate(codes)
    ]
    return Container(Key("Observation", f"o{pk}"), pk, version, RECORDED, inside)


def observation(id: str, *codes: str) -> Command:
    resource: JsonObject = {"resourceType": "Observation", "id": id}
    if codes:
        resource["contained"] = [
            {"resourceType": "Patient", "id": f"p{at}", "identifier": [{"value": code}]}
            for at, code in enumerate(codes)
        ]
    return Command(EHR, [Put("Observation", id, resource)])


async def found(storage: Storage, where: Expression, **more: Any) -> list[tuple[str, str]]:
    """Container and local id on all pages of two, held against the count."""
    query, places = Query("Patient", where, count=2, **more), []
    while True:
        page = await storage.contained.search(query)
        places += read_places(page)
        if not page.cursor:
            break
        query = Query("Patient", where, count=2, cursor=decode(page.cursor, query.sort), **more)
    assert await storage.contained.count(query) == len(places)
    return [(str(one.container), one.id) for one in places]


async def identified(store: Store) -> list[tuple[str, str, str]]:
    """Identifier, container and local id of all that is contained now, as the resources tell."""
    told = []
    for version in (await store.search(Query("Observation", count=1000))).versions:
        for one in loads(version.content).get("contained", ()):
            told.append((one["identifier"][0]["value"], f"Observation/{version.id}", one["id"]))
    return sorted(told)


class ContainedContract:
    async def test_what_containers_hold_is_found_and_replaced(self, storage: Storage) -> None:
        space = storage.contained
        assert await space.reached() == Reached()
        first = Reached(3, "c3", 0)
        assert await space.put(Reached(), first, [holding(1, "x", "y"), holding(2, "x"), holding(3)])
        x = TokenIs("identifier", None, "x")
        assert await found(storage, x) == [("Observation/o1", "p0"), ("Observation/o2", "p0")]
        assert await found(storage, And((x, IdIs("p1")))) == []
        assert await found(storage, IdIs("p1")) == [("Observation/o1", "p1")]
        assert await space.put(first, Reached(4, "c4", 2), [holding(1, "z", version=2)])
        assert await space.reached() == Reached(4, "c4", 2)
        assert await found(storage, x) == [("Observation/o2", "p0")]
        assert await found(storage, Missing("identifier", "token")) == []
        sort = (SortKey("identifier", "token", True),)
        everything = And((Query("Patient").where, Query("Patient").where))
        assert [one for one, _ in await found(storage, everything, sort=sort)] == [
            "Observation/o1",
            "Observation/o2",
        ]
        (page,) = (await space.search(Query("Patient", TokenIs("identifier", None, "z")))).versions
        assert page.version == 2

    async def test_only_one_of_two_followers_moves_on(self, storage: Storage) -> None:
        space = storage.contained
        assert await space.put(Reached(), Reached(1, "a", 0), [holding(1, "x")])
        assert not await space.put(Reached(), Reached(1, "a", 0), [holding(1, "x")])
        assert await space.reached() == Reached(1, "a", 0)
        await space.clear()
        assert await space.reached() == Reached()
        assert list(await space.dump()) == []
        assert await found(storage, TokenIs("identifier", None, "x")) == []

    async def test_the_space_follows_the_log(self, store: Store) -> None:
        x = TokenIs("identifier", None, "x")
        await store.submit(observation("a", "x", "y"))
        await store.submit(observation("b"))
        await store.contained.catch_up()
        assert await found(store.storage, x) == [("Observation/a", "p0")]
        await store.submit(observation("b", "x"))
        await store.submit(Command(EHR, [Remove("Observation", "a")]))
        await store.contained.catch_up()
        assert await found(store.storage, x) == [("Observation/b", "p0")]
        assert await store.search(Query("Patient", x)) == await store.search(Query("Device", x))  # nothing

    async def test_another_log_is_followed_from_its_beginning(self, store: Store) -> None:
        await store.submit(observation("a", "x"))
        await store.storage.contained.put(Reached(), Reached(1, "of another log", 0), [holding(9, "old")])
        await store.contained.catch_up()
        assert await found(store.storage, TokenIs("identifier", None, "old")) == []
        assert await found(store.storage, TokenIs("identifier", None, "x")) == [("Observation/a", "p0")]

    async def test_several_followers_and_a_rebuild_come_to_the_same(self, place: Place) -> None:
        chance = random.Random(7)
        async with opened(place) as one, opened(place) as other:
            for _ in range(12):
                await asyncio.gather(*(one.submit(_random(chance)) for _ in range(3)))
                await asyncio.gather(one.contained.catch_up(), other.contained.catch_up())
            before = list(await other.storage.contained.dump())
            for code in "xyz":
                told = [(where, id) for value, where, id in await identified(one) if value == code]
                assert sorted(await found(other.storage, TokenIs("identifier", None, code))) == told
            await one.rebuild()
            await one.contained.catch_up()
            assert list(await one.storage.contained.dump()) == before


def _random(chance: random.Random) -> Command:
    id = chance.choice("abcdef")
    if chance.random() < 0.15:
        return Command(EHR, [Remove("Observation", id)])
    return observation(id, *(chance.choice("xyz") for _ in range(chance.randint(0, 3))))
