"""What every storage's history must hold to: of one resource, of a type, of all.

Run with :class:`tests.contracts.storage_contract.StorageContract`, which gives the fixture ``store``.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from fhirserver.kernel.instants import FixedClock
from fhirserver.ports.storage import HistoryQuery, Key, Version
from fhirserver.search.literals import date_range
from fhirserver.store.commands import Command, Put, Remove
from fhirserver.store.store import Store
from tests.contracts.places import EHR, Place, opened


def put(id: str, family: str = "Miller") -> Command:
    """One patient stated."""
    return Command(
        EHR, [Put("Patient", id, {"resourceType": "Patient", "id": id, "name": [{"family": family}]})]
    )


async def some_history(store: Store) -> None:
    """Versions of several resources of two types, with an update, a deletion and one that comes back."""
    for name in ("a", "b", "c"):
        await store.submit(put(name, family="One"))
        await asyncio.sleep(0.002)
    await store.submit(put("b", family="Two"))
    subject = {"resourceType": "Observation", "id": "o", "subject": {"reference": "Patient/a"}}
    await store.submit(Command(EHR, [Put("Observation", "o", subject), *put("a", family="Three").writes]))
    await asyncio.sleep(0.002)
    await store.submit(Command(EHR, [Remove("Patient", "c")]))
    await asyncio.sleep(0.002)
    await store.submit(put("c", family="Again"))
    await store.submit(Command(EHR, [Remove("Patient", "b")]))


async def all_versions(store: Store, query: HistoryQuery) -> list[Version]:
    """Every page of a history."""
    found: list[Version] = []
    while True:
        page = await store.select_history(query)
        assert len(page.versions) == query.count or page.after is None
        found += page.versions
        if page.after is None:
            return found
        query = replace(query, after=page.after)


def updated(version: Version) -> int:
    return date_range(version.recorded)[0]


def _labels(versions: Sequence[Version]) -> list[str]:
    return [f"{found.id}{found.version}" for found in versions]


class HistoryContract:
    """Histories of types and of all; run by every storage with :class:`StorageContract`."""

    async def test_history_of_a_type_and_of_all(self, store: Store) -> None:
        await some_history(store)
        for size in (1, 2, 3, 50):
            of_type = await all_versions(store, HistoryQuery("Patient", count=size))
            assert sorted(_labels(of_type)) == ["a1", "a2", "b1", "b2", "b3", "c1", "c2", "c3"]
            assert [found.recorded for found in of_type] == sorted(
                (found.recorded for found in of_type), reverse=True
            )
            of_all = await all_versions(store, HistoryQuery(count=size))
            assert [found for found in of_all if found.type == "Patient"] == of_type
            assert _labels([found for found in of_all if found.type != "Patient"]) == ["o1"]
            back = await all_versions(store, HistoryQuery(count=size, ascending=True))
            assert back == of_all[::-1]
        assert [found.deleted for found in of_type if found.id == "b"] == [True, False, False]
        assert await store.count_history(HistoryQuery("Patient")) == 8
        assert await store.count_history(HistoryQuery()) == 9
        assert await store.count_history(HistoryQuery("Patient", "b")) == 3
        assert _labels(await all_versions(store, HistoryQuery("Patient", "b"))) == ["b3", "b2", "b1"]
        assert await all_versions(store, HistoryQuery("Appointment")) == []
        assert list((await store.select_history(HistoryQuery(count=0))).versions) == []

    async def test_history_of_one_moment_is_in_the_order_of_the_commits(self, place: Place) -> None:
        clock = FixedClock(datetime(2026, 11, 22, 14, 47, tzinfo=UTC))
        async with opened(place, clock=clock) as store:
            for number, name in enumerate("abacba"):
                await store.submit(put(name, family=str(number)))
            for size in (1, 2, 50):
                newest = await all_versions(store, HistoryQuery("Patient", count=size))
                assert len({found.recorded for found in newest}) == 1
                assert _labels(newest) == ["a3", "b2", "c1", "a2", "b1", "a1"]
                assert await all_versions(store, HistoryQuery(count=size, ascending=True)) == newest[::-1]

    async def test_history_since_at_and_among(self, store: Store) -> None:
        await some_history(store)
        every = await all_versions(store, HistoryQuery())
        by_key: dict[Key, list[Version]] = {}
        for version in reversed(every):
            by_key.setdefault(Key(version.type, version.id), []).append(version)
        moments = sorted({updated(version) for version in every})
        some = frozenset([Key("Patient", "a"), Key("Observation", "o"), Key("Patient", "never")])
        ranges = [(low, high) for low in moments for high in (low + 1, low + 1000, moments[-1] + 1)]
        queries = [HistoryQuery(since=moment) for moment in (0, *moments, moments[-1] + 1)]
        queries += [HistoryQuery(at=(low, high)) for low, high in [(0, 1), *ranges, (2**60, 2**61)]]
        queries += [HistoryQuery("Patient", since=low, at=(low, high)) for low, high in ranges]
        queries += [replace(query, among=some) for query in queries] + [HistoryQuery(among=frozenset())]
        queries += [HistoryQuery("Patient", "c", at=at) for at in ranges]
        for query in queries:
            expected = [found for found in every if _is_asked(query, found, by_key)]
            assert await all_versions(store, replace(query, count=2)) == expected, query
            assert await store.count_history(query) == len(expected), query

    async def test_history_pages_stay_put_while_data_changes(self, store: Store) -> None:
        await some_history(store)
        expected = await all_versions(store, HistoryQuery())
        found: list[Version] = []
        query = HistoryQuery(count=2)
        for number in itertools.count():
            page = await store.select_history(query)
            found += page.versions
            if page.after is None:
                break
            query = replace(query, after=page.after)
            await store.submit(put(expected[-1].id, family=f"Later {number}"))
            await store.submit(put(f"new{number}"))
            await asyncio.sleep(0.002)
        assert found == expected


def _is_asked(query: HistoryQuery, version: Version, by_key: dict[Key, list[Version]]) -> bool:
    key = Key(version.type, version.id)
    if query.type not in ("", key.type) or query.id not in ("", key.id):
        return False
    if query.among is not None and key not in query.among:
        return False
    following = [other for other in by_key[key] if other.version > version.version]
    ended = updated(following[0]) if following else None
    return query.admits(updated(version), ended, version.deleted)
