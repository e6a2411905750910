"""Probable duplicates: found on arrival and by the sweep, one item a pair, none again after a decision."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from fhirserver.kernel.json import JsonObject, loads
from fhirserver.kernel.outcomes import Refusal
from fhirserver.model.validation import validate
from fhirserver.ports.log import Statement
from fhirserver.ports.storage import Version
from fhirserver.search.expression import Query, TokenIs
from fhirserver.storage.memory.storage import MemoryStorage
from fhirserver.store.commands import Command, Put, Remove
from fhirserver.store.duplicates import moved, pending_about, state_of
from fhirserver.store.followers import Following
from fhirserver.store.state import Policies
from fhirserver.store.store import Store
from fhirserver.world.duplicates import DIFFERENT, DUPLICATE, read_duplicate, settled_pair
from fhirserver.world.review import Settled
from fhirserver.world.vocabulary import REVIEW_KIND
from subscriptions.duplicates import Duplicates
from tests.facade import SOURCES

MARIA: JsonObject = {
    "name": [{"family": "Alvarez", "given": ["Maria"]}],
    "birthDate": "1999-06-01",
    "gender": "female",
    "telecom": [{"system": "phone", "value": "+15559697967"}],
    "address": [{"line": ["6 Maltby Circuit"], "city": "Springfield", "postalCode": "01103"}],
}


class Practice:
    """A store and the follower, stepped by hand."""

    def __init__(self, store: Store):
        self.store = store
        self.follower = Duplicates(store, pause=0.0)
        self.following = Following(store, self.follower, "credence")

    async def put(self, id: str, **changes: Any) -> None:
        content = {name: value for name, value in {**MARIA, **changes}.items() if value is not None}
        await self.store.submit(Command(Statement("ehr"), (Put("Patient", id, content),)))

    async def found(self) -> list[Version]:
        """All items after the follower has seen everything."""
        while await self.following.step():
            pass
        query = Query("Task", TokenIs("code", REVIEW_KIND, DUPLICATE), count=100)
        return list((await self.store.search(query)).versions)

    async def pairs(self) -> list[tuple[set[str], str]]:
        items = [read_duplicate(loads(version.content)) for version in await self.found()]
        return [({item.patient, item.other}, item.status) for item in items]


@pytest.fixture
async def practice() -> AsyncIterator[Practice]:
    store = Store(MemoryStorage(), Policies(SOURCES, validate))
    await store.open()
    yield Practice(store)
    await store.close()


async def test_an_item_shows_both_patients_and_the_explained_score(practice: Practice) -> None:
    await practice.put("a")
    await practice.put("b", birthDate="1983-11-20")
    (version,) = await practice.found()
    task = loads(version.content)
    assert [i for i in validate(task) if i.severity == "error"] == []
    item = read_duplicate(task)
    assert {item.patient, item.other} == {"a", "b"}
    assert (item.grade, item.status) == ("possible", "requested")
    assert ("birthDate", "different") in [(told.field, told.level) for told in item.fields]
    total = sum((told.bits for told in item.fields), Decimal(0))
    assert item.bits < total, "a household explains some of it"
    assert "alvarez" not in str(task).lower(), "no value of a patient is in it"


async def test_families_twins_and_generations_are_kept_apart(practice: Practice) -> None:
    await practice.put("maria")
    await practice.put("sofia", name=[{"family": "Alvarez", "given": ["Sofia"]}], birthDate="2003-01-30")
    await practice.put("twin", name=[{"family": "Alvarez", "given": ["Elena"]}])
    junior = [{"family": "Okafor", "given": ["John"], "suffix": ["Jr"]}]
    senior = [{"family": "Okafor", "given": ["John"], "suffix": ["Sr"]}]
    await practice.put("junior", name=junior, birthDate="1985-04-01", gender="male")
    await practice.put("senior", name=senior, birthDate="1955-09-17", gender="male")
    assert await practice.pairs() == []


async def test_a_pair_is_asked_about_once(practice: Practice) -> None:
    await practice.put("a")
    await practice.put("b")
    assert await practice.pairs() == [({"a", "b"}, "requested")]
    await practice.put("b", telecom=[{"system": "phone", "value": "+15550001111"}])
    assert await practice.pairs() == [({"a", "b"}, "requested")]


async def test_none_again_after_an_operator_said_different(practice: Practice) -> None:
    await practice.put("a")
    await practice.put("b")
    (version,) = await practice.found()
    settled = settled_pair(
        loads(version.content), Settled("reject", "ana", 2, "Two cousins"), version.recorded
    )
    note = await moved(practice.store, "a", "b", DIFFERENT, version.id)
    await practice.store.submit(Command(Statement("credence"), (note, Put("Task", version.id, settled))))
    await practice.put("a", gender="male")
    await practice.put("a")
    assert await practice.pairs() == [({"a", "b"}, "completed")]
    assert await state_of(practice.store, "b", "a") == "different"


async def test_the_sweep_finds_what_was_missed(practice: Practice) -> None:
    for id in ("a", "b"):
        await practice.put(id)
    for _ in range(3):
        writes = await practice.follower.overdue()
        if writes:
            await practice.store.submit(Command(Statement("credence"), tuple(writes)))
    items = await pending_about(practice.store, "a")
    assert len(items) == 1
    assert await practice.pairs() == [({"a", "b"}, "requested")], "the follower does not ask again"


async def test_what_is_deleted_or_merged_is_called_off_and_asked_about_when_it_is_back(
    practice: Practice,
) -> None:
    await practice.put("a")
    await practice.put("b")
    assert len(await practice.found()) == 1
    link = [{"other": {"reference": "Patient/a"}, "type": "replaced-by"}]
    await practice.put("b", active=False, link=link)
    assert await practice.pairs() == [({"a", "b"}, "cancelled")]
    await practice.put("b")
    assert await practice.pairs() == [({"a", "b"}, "requested")]
    await practice.store.submit(Command(Statement("ehr"), (Remove("Patient", "b"),)))
    assert await practice.pairs() == [({"a", "b"}, "cancelled")]


async def test_two_processes_ask_once(practice: Practice) -> None:
    await practice.put("a")
    await practice.put("b")
    other = Duplicates(practice.store, pause=0.0)
    commits = await practice.store.read_log(0, 100)
    both = [await follower.effects(commits) for follower in (practice.follower, other)]
    await practice.store.submit(Command(Statement("credence"), both[0]))
    with pytest.raises(Refusal):
        await practice.store.submit(Command(Statement("credence"), both[1]))
