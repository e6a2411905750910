"""Merges on every storage: references follow and lead back, a rebuild gives the same rows.

Run with :class:`tests.contracts.storage_contract.StorageContract`, which gives the fixture ``place``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from fhirserver.kernel.json import JsonObject, loads
from fhirserver.kernel.outcomes import Refusal
from fhirserver.ports.log import Statement
from fhirserver.search.expression import Chain, Expression, Query, ReferenceIs, StringIs
from fhirserver.store.commands import Command, Merge, Put, Relink, Unmerge
from fhirserver.store.followers import Following
from fhirserver.store.merges import MERGED
from fhirserver.store.relinking import AT_ONCE, Relinking
from fhirserver.store.store import Store
from fhirserver.world.ledger import dump_ledger
from tests.contracts.places import EHR, POLICIES, Place

OPERATOR = Statement("operator")


@asynccontextmanager
async def indexed(place: Place) -> AsyncIterator[Store]:
    """A store that indexes by the real parameters."""
    store = Store(place.storage(), POLICIES)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


def patient(id: str, family: str) -> Put:
    return Put("Patient", id, {"resourceType": "Patient", "id": id, "name": [{"family": family}]})


def observation(id: str, of: str) -> Put:
    subject = {"reference": f"Patient/{of}"}
    return Put("Observation", id, {"resourceType": "Observation", "id": id, "subject": subject})


async def submit(store: Store, *writes: Any, by: Statement = EHR) -> None:
    await store.submit(Command(by, writes))


async def followed(store: Store) -> None:
    """Run the follower until it has nothing to do."""
    following = Following(store, Relinking(store, "operator"), "operator", 0.01)
    while await following.step():
        pass


async def found(store: Store, type: str, where: Expression) -> list[str]:
    """What is stored so: the store itself would follow what is asked for as well."""
    page = await store.storage.search(Query(type, where, count=1000))
    return sorted(one.id for one in page.versions)


def subject_is(id: str) -> Expression:
    return ReferenceIs("subject", "Patient", id)


async def subject_of(store: Store, id: str) -> str:
    version = await store.read("Observation", id)
    assert version is not None
    resource: JsonObject = loads(version.content)
    return str(resource["subject"]["reference"])


class MergeContract:
    """Every storage's tests of merges."""

    @pytest.fixture
    async def merging(self, place: Place) -> AsyncIterator[Store]:
        async with indexed(place) as store:
            await submit(store, patient("s", "Ander"), patient("d", "Berg"), patient("x", "Curie"))
            await submit(store, observation("o1", "d"), observation("o2", "s"), observation("o3", "x"))
            yield store

    async def test_references_follow_a_merge_and_lead_back(self, merging: Store) -> None:
        before = [await merging.ledger("Observation", id) for id in ("o1", "o2")]
        await submit(merging, Merge("Patient", "d", "s"), by=OPERATOR)
        await submit(merging, observation("o4", "d"))
        await followed(merging)
        assert await found(merging, "Observation", subject_is("s")) == ["o1", "o2", "o4"]
        assert await found(merging, "Observation", subject_is("d")) == []
        by_name = Chain("subject", "Patient", StringIs("family", "berg"))
        assert await found(merging, "Observation", by_name) == ["o1", "o2", "o4"]
        assert await subject_of(merging, "o1") == "Patient/s"
        await submit(merging, Unmerge("Patient", "d"), by=OPERATOR)
        await followed(merging)
        assert await found(merging, "Observation", subject_is("d")) == ["o1", "o4"]
        assert await found(merging, "Observation", subject_is("s")) == ["o2"]
        assert [await merging.ledger("Observation", id) for id in ("o1", "o2")] == before

    async def test_a_rebuild_after_merges_gives_the_same_rows(self, merging: Store) -> None:
        await submit(merging, patient("a", "Dorn"), observation("o5", "a"), observation("o6", "a"))
        await submit(merging, Merge("Patient", "a", "d"), by=OPERATOR)
        await followed(merging)
        await submit(merging, Merge("Patient", "d", "s"), by=OPERATOR)
        await submit(merging, observation("o6", "d"), patient("a", "Dorn-Berg"))
        await followed(merging)
        await submit(merging, Unmerge("Patient", "a"), by=OPERATOR)
        await submit(merging, observation("o7", "a"), observation("o8", "d"))
        await merging.derive_provenance()
        before = list(await merging.storage.dump())
        await merging.rebuild()
        assert list(await merging.storage.dump()) == before
        await followed(merging)
        assert await found(merging, "Observation", subject_is("a")) == ["o5", "o6", "o7"]
        assert await found(merging, "Observation", subject_is("s")) == ["o1", "o2", "o8"]

    async def test_another_process_knows_of_a_merge(self, merging: Store, place: Place) -> None:
        if not place.text:
            pytest.skip("one process has it all")
        async with indexed(place) as other:
            await submit(merging, Merge("Patient", "d", "s"), by=OPERATOR)
            await submit(other, observation("o4", "d"))
            assert await subject_of(other, "o4") == "Patient/s"
            await submit(other, Unmerge("Patient", "d"), by=OPERATOR)
            await submit(merging, observation("o5", "d"))
            assert await subject_of(merging, "o5") == "Patient/d"

    async def test_merges_and_writes_at_the_same_time(self, merging: Store) -> None:
        """Whatever the order they are decided in, nothing is left behind."""
        writes = [submit(merging, observation(f"w{number}", "d")) for number in range(40)]
        merges = [submit(merging, Merge("Patient", "d", "s"), by=OPERATOR) for _ in range(2)]
        work = [*writes[:20], *merges, *writes[20:]]
        answers = await asyncio.gather(*work, return_exceptions=True)
        assert [type(one) for one in answers if one is not None] == [Refusal]
        await followed(merging)
        assert len(await found(merging, "Observation", subject_is("s"))) == 42

    async def test_half_followed_is_finished_by_the_next(self, merging: Store) -> None:
        """As after a kill: some of the references have followed, and the merge is open."""
        many = [observation(f"m{number}", "d") for number in range(2 * AT_ONCE + 5)]
        await submit(merging, *many)
        await submit(merging, Merge("Patient", "d", "s"), by=OPERATOR)
        await submit(merging, *(Relink("Observation", put.id) for put in many[:AT_ONCE]), by=OPERATOR)
        assert (await merging.facts(MERGED))[0].value["open"]
        await followed(merging)
        assert len(await found(merging, "Observation", subject_is("s"))) == 2 * AT_ONCE + 7
        assert not (await merging.facts(MERGED))[0].value["open"]
        longest = max(len(commit.events) for commit in await merging.read_log(4, 100))
        assert longest == AT_ONCE

    async def test_undone_while_references_follow(self, merging: Store) -> None:
        """What says that all has followed is refused where the merge is no more."""
        await submit(merging, Merge("Patient", "d", "s"), by=OPERATOR)
        relinking = Relinking(merging, "operator")
        done = await relinking.effects(await merging.read_log(0, 100))
        await submit(merging, Unmerge("Patient", "d"), by=OPERATOR)
        with pytest.raises(Refusal, match="CONFLICT"):
            await submit(merging, *done, by=OPERATOR)
        await followed(merging)
        assert await found(merging, "Observation", subject_is("d")) == ["o1"]
        ledger = await merging.ledger("Observation", "o1")
        assert ledger is not None and b'"l"' not in dump_ledger(ledger)
