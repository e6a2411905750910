"""What every storage must hold to where users define search parameters. Subclass it and give ``place``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Refusal
from fhirserver.ports.storage import Storage
from fhirserver.search.expression import Query, TokenIs
from fhirserver.search.parse import parse
from fhirserver.store.commands import Command, Put, Remove
from fhirserver.store.store import Store
from tests.contracts.places import EHR, POLICIES, Place

EYES = "http://x.org/eyes"


@asynccontextmanager
async def opened(place: Place) -> AsyncIterator[Store]:
    """A store that indexes by all parameters there are."""
    store = Store(place.storage(), POLICIES)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


def definition(**members: Any) -> JsonObject:
    return {
        "resourceType": "SearchParameter",
        "id": "eyes",
        "url": "http://x.org/SearchParameter/eyes",
        "name": "Eyes",
        "status": "active",
        "description": "Colour of the eyes",
        "code": "eyes",
        "base": ["Patient"],
        "type": "token",
        "expression": f"Patient.extension.where(url = '{EYES}').value",
        **members,
    }


def seen(number: int, colour: str) -> Put:
    extension = [{"url": EYES, "valueCodeableConcept": {"coding": [{"system": "urn:c", "code": colour}]}}]
    id = f"p{number}"
    return Put("Patient", id, {"resourceType": "Patient", "id": id, "extension": extension})


async def put(store: Store, *writes: Put | Remove) -> None:
    await store.submit(Command(EHR, list(writes)))


async def define(store: Store, **members: Any) -> None:
    resource = definition(**members)
    await put(store, Put("SearchParameter", resource["id"], resource))


async def found(store: Store, code: str = "eyes", value: str = "blue") -> list[str]:
    """The ids found by the parameter. Raises the refusal where it is not known or not ready."""
    await store.parameters.refresh()
    query = parse("Patient", [(code, value)], known=store.parameters.current, default_count=1000)
    return [version.id for version in (await store.search(query)).versions]


async def refused(store: Store, code: str = "eyes") -> int:
    try:
        await found(store, code)
    except Refusal as refusal:
        return refusal.category.value
    return 200


async def dump(storage: Storage) -> list[bytes]:
    return list(await storage.dump())


class ParametersContract:
    async def test_what_was_stored_before_is_found_after_indexing(self, place: Place) -> None:
        async with opened(place) as store:
            await put(store, seen(1, "blue"), seen(2, "brown"))
            assert await refused(store) == 400
            await define(store)
            assert await refused(store) == 503
            await put(store, seen(3, "blue"))
            await store.complete_index()
            assert await found(store) == ["p1", "p3"]
            await put(store, seen(1, "green"), seen(2, "blue"), seen(4, "blue"))
            await put(store, Remove("Patient", "p3"))
            assert await found(store) == ["p2", "p4"]

    async def test_it_is_dropped_when_it_is_retired_and_taken_up_anew(self, place: Place) -> None:
        async with opened(place) as store:
            await put(store, seen(1, "blue"))
            await define(store)
            await store.complete_index()
            assert await found(store) == ["p1"]
            await define(store, status="retired")
            assert await refused(store) == 400
            await store.complete_index()
            stale = Query("Patient", TokenIs("eyes", None, "blue"))
            assert (await store.search(stale)).versions in ([], ())
            await define(store)
            assert await refused(store) == 503
            await store.complete_index()
            assert await found(store) == ["p1"]
            await put(store, Remove("SearchParameter", "eyes"))
            assert await refused(store) == 400

    async def test_another_definition_replaces_the_values(self, place: Place) -> None:
        async with opened(place) as store:
            await put(store, seen(1, "blue"))
            await define(store)
            await store.complete_index()
            await define(store, expression="Patient.gender")
            await store.complete_index()
            assert await found(store) == []
            await define(store, code="colour")
            await store.complete_index()
            assert (await refused(store), await found(store, "colour")) == (400, ["p1"])

    async def test_it_outlives_a_restart_and_a_rebuild(self, place: Place) -> None:
        async with opened(place) as store:
            await put(store, seen(1, "blue"))
            await define(store)
            await put(store, seen(2, "blue"))
        async with opened(place) as store:  # nobody had completed the index
            assert await refused(store) == 503
            await store.complete_index()
        async with opened(place) as store:
            assert await found(store) == ["p1", "p2"]
            await define(store, code="colour")
            await put(store, seen(3, "blue"), Remove("Patient", "p2"))
            await define(store, id="other", code="other", expression="Patient.gender")
            await define(store, id="other", code="other", expression="Patient.gender", status="retired")
            await store.derive_provenance()
            await store.complete_index()
            before = await dump(store.storage)
            await store.rebuild()
            assert await dump(store.storage) == before
            assert await found(store, "colour") == ["p1", "p3"]

    async def test_another_process_extracts_by_it_at_once(self, place: Place) -> None:
        async with opened(place) as one, opened(place) as other:
            await put(other, seen(1, "blue"))
            await define(one)
            await one.complete_index()
            await put(other, seen(2, "blue"), seen(1, "blue"))
            assert await found(one) == await found(other) == ["p1", "p2"]

    async def test_nothing_written_meanwhile_is_missed(self, place: Place) -> None:
        async with opened(place) as one, opened(place) as other:
            for number in range(0, 300, 50):
                await put(one, *(seen(n, "blue") for n in range(number, number + 50)))

            async def write(store: Store, first: int) -> None:
                for number in range(first, first + 40):
                    await put(
                        store, seen(number, "blue"), seen(number % 300, "blue" if number % 2 else "brown")
                    )

            writers = [asyncio.create_task(write(one, 1000)), asyncio.create_task(write(other, 2000))]
            await define(one)
            await one.complete_index()
            await asyncio.gather(*writers)
            expected = [
                version.id
                for version in (await one.search(Query("Patient", count=1000))).versions
                if b'"blue"' in version.content
            ]
            assert sorted(await found(one)) == sorted(expected)
