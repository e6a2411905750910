"""What every storage must hold to, run by memory, SQLite and MongoDB alike.

A storage's test module subclasses :class:`StorageContract` and gives the fixture ``place``; those that live
in a place which other processes reach subclass :class:`~tests.contracts.processes_contract.SharedStorageContract`.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from fhirserver.kernel.json import dumps, loads
from fhirserver.ports.log import Commit, LostRace, Statement
from fhirserver.ports.storage import Change, Fact, Head, Key, Projection, Row, Storage, Version
from fhirserver.search.cursor import decode
from fhirserver.search.expression import Query, SortKey, TokenIs
from fhirserver.store.commands import Command, Remove
from fhirserver.store.store import Store
from tests.contracts.access_records_contract import AccessRecordsContract
from tests.contracts.cells_contract import CellsContract
from tests.contracts.closure_contract import ClosureContract
from tests.contracts.contained_contract import ContainedContract
from tests.contracts.history_contract import HistoryContract
from tests.contracts.journals_contract import JournalsContract
from tests.contracts.kept_chats_contract import KeptChatsContract
from tests.contracts.merge_contract import MergeContract
from tests.contracts.places import EHR, Place, connected, extract, opened
from tests.contracts.racing_contract import RacingContract
from tests.contracts.storage_work import (
    NOTHING,
    RECORDED,
    batch,
    by_identifier,
    change,
    dump,
    everything,
    identified,
    outcomes,
    patient,
    put,
    random_command,
    random_work,
)
from tests.contracts.trail_contract import TrailContract


class StorageContract(
    HistoryContract,
    ContainedContract,
    MergeContract,
    RacingContract,
    CellsContract,
    AccessRecordsContract,
    JournalsContract,
    KeptChatsContract,
    ClosureContract,
    TrailContract,
):
    """Subclass it and give the fixture ``place``."""

    @pytest.fixture
    async def storage(self, place: Place) -> AsyncIterator[Storage]:
        async with connected(place) as storage:
            yield storage

    @pytest.fixture
    async def store(self, place: Place) -> AsyncIterator[Store]:
        async with opened(place) as store:
            yield store

    async def test_versions_as_of_a_position(self, place: Place) -> None:
        """What each resource was after every commit of random work is what the store said then."""
        keys = [Key("Patient", f"w{number}") for number in range(8)] + [Key("Observation", "o-w1")]
        async with opened(place) as store:
            said: dict[int, dict[Key, Version | None]] = {0: dict.fromkeys(keys)}
            chance = random.Random(11)
            for _ in range(60):
                before = store.head
                await outcomes(store.submit(random_command(chance, f"w{chance.randrange(8)}")))
                if store.head > before:
                    said[store.head] = {key: await store.read(*key) for key in keys}
            numbers = {key: row.pk for key, row in (await store.storage.rows(keys)).items()}
            for position, versions in said.items():
                found = await store.storage.versions_at(keys, position)
                assert {key: found[key].version if key in found else None for key in keys} == versions
                assert all(one.pk == numbers[key] for key, one in found.items())

    async def test_what_is_in_use_is_each_value_once(self, store: Store) -> None:
        assert list(await store.in_use("Patient", "identifier")) == []
        for id, value in (("a", "2"), ("b", "1"), ("c", "2"), ("d", "3")):
            await store.submit(put(id, identifier=identified(value)))
        await store.submit(Command(EHR, [Remove("Patient", "d")]))
        assert list(await store.in_use("Patient", "identifier")) == [("urn:mrn", "1"), ("urn:mrn", "2")]
        assert list(await store.in_use("Observation", "identifier")) == []

    # the log

    async def test_a_new_tenant_is_empty(self, storage: Storage) -> None:
        assert await everything(storage) == (Head(), [], [])
        assert await storage.read("Patient", "p") is None
        assert await storage.read_version("Patient", "p", 1) is None
        assert list(await storage.history("Patient", "p", 10, None)) == []
        assert await storage.rows([Key("Patient", "p")]) == {}

    async def test_a_batch_stands_at_the_head(self, storage: Storage) -> None:
        await storage.append(0, batch(1, 3), NOTHING)
        await storage.append(3, batch(4, 2), NOTHING)
        assert await storage.head() == Head(5, 0, RECORDED, 5)
        assert await storage.read_log(0, 100) == batch(1, 5)

    @pytest.mark.parametrize("expected", [0, 1, 2, 4, 9])
    async def test_anywhere_else_it_leaves_nothing(self, storage: Storage, expected: int) -> None:
        """The head is 3: before it, in the middle of a batch, and beyond a gap."""
        await storage.append(0, batch(1, 3), NOTHING)
        before = await everything(storage)
        late = Projection(
            [change(patient("p"), 1, 1, expected + 1)], [Fact("test", "late", {"n": 1}, expected + 1)]
        )
        with pytest.raises(LostRace):
            await storage.append(expected, batch(expected + 1, 2, "late"), late)
        assert await everything(storage) == before
        assert await storage.fact("test", "late") is None

    async def test_the_log_is_read_from_any_position(self, storage: Storage) -> None:
        sizes = [1, 4, 2, 5]
        for first, size in zip(itertools.accumulate([1, *sizes]), sizes, strict=False):
            await storage.append(first - 1, batch(first, size), NOTHING)
        log = batch(1, sum(sizes))
        for after in range(len(log) + 2):
            for limit in (1, 2, 3, 50):
                assert list(await storage.read_log(after, limit)) == log[after : after + limit]

    async def test_every_member_of_a_commit_comes_back(self, storage: Storage) -> None:
        statement = Statement(
            "ehr",
            "practice",
            Decimal("0.50"),
            "stated",
            "partial",
            "2026-11-22",
            agent=({"who": {"display": "Zoë"}},),
            entity=({"role": "source"},),
            activity={"text": "call"},
        )
        event = {
            "e": "noted",
            "kind": "k",
            "key": "1",
            "value": {"exact": Decimal("1.00"), "none": None, "text": "\x00…"},
        }
        written = Commit(1, "id", RECORDED, 7, statement, (event,))
        await storage.append(0, [written], NOTHING)
        (read,) = await storage.read_log(0, 1)
        assert read == written
        assert dumps(read.as_json()) == dumps(written.as_json())

    async def test_a_commit_may_be_larger_than_a_document(self, storage: Storage) -> None:
        content = patient("p", text={"div": "x" * 17_000_000})
        large = Commit(1, "large", RECORDED, 1, EHR, ({"e": "test", "content": content},))
        await storage.append(0, [large, *batch(2, 2)], Projection([change(content, 1, 1, 1)], ()))
        assert list(await storage.read_log(0, 1)) == [large]
        assert list(await storage.read_log(1, 5)) == batch(2, 2)
        read = await storage.read("Patient", "p")
        assert read is not None
        assert read.content == dumps(content)

    # projections

    async def test_projecting_again_changes_nothing(self, storage: Storage) -> None:
        first, second = patient("p"), patient("p", "Smith", birthDate="1980-02")
        old = extract(first)
        projection = Projection(
            [change(first, 1, 1, 1), change(second, 1, 2, 2, old)], [Fact("test", "k", {"n": 1}, 2)]
        )
        await storage.append(0, batch(1, 2), projection)
        before = await dump(storage)
        assert before
        for position in (2, 1, None):
            await storage.project(projection, position)
            assert await dump(storage) == before
        assert (await storage.head()).projected == 2

    async def test_a_late_projection_does_not_overwrite(self, storage: Storage) -> None:
        first, second = patient("p"), patient("p", "Smith")
        made = change(first, 1, 1, 1)
        await storage.append(0, batch(1, 1), Projection([made], [Fact("test", "k", {"n": 1}, 1)]))
        newer = change(second, 1, 2, 2, extract(first))
        await storage.append(1, batch(2, 1), Projection([newer], [Fact("test", "k", {"n": 2}, 2)]))
        before = await dump(storage)
        await storage.project(Projection([made], [Fact("test", "k", {"n": 1}, 1)]), 1)
        assert await dump(storage) == before
        await storage.project(Projection((), [Fact("test", "k", {"n": 1}, 1)]))
        assert await dump(storage) == before

    async def test_two_who_roll_forward_at_once_do_no_harm(self, place: Place) -> None:
        """Both began at 0; one came to 2, the other, slower, read further: it must only add what is new."""
        stages = [patient("p", name, identifier=identified(name)) for name in ("One", "Two", "Three")]
        changes = [change(stages[0], 1, 1, 1)]
        changes += [change(stages[n], 1, n + 1, n + 1, extract(stages[n - 1])) for n in (1, 2)]
        async with connected(place) as one, connected(place) as other:
            await one.append(0, batch(1, 3), NOTHING)
            await one.clear_projections()
            await one.project(Projection(changes[:2], ()), 2)
            await other.project(Projection(changes, ()), 3)
            await one.project(Projection(changes[:2], ()), 2)
            assert [await one.count(by_identifier(name)) for name in ("One", "Two", "Three")] == [0, 0, 1]
            together = await dump(one)
            await one.clear_projections()
            await one.project(Projection(changes, ()), 3)
            assert await dump(one) == together

    async def test_nothing_is_appended_before_the_log_is_projected(self, storage: Storage) -> None:
        await storage.append(0, batch(1, 2), NOTHING)
        await storage.clear_projections()
        head = await storage.head()
        assert (head.position, head.projected) == (2, 0)
        with pytest.raises(LostRace):
            await storage.append(2, batch(3, 1), NOTHING)
        await storage.project(NOTHING, 2)
        await storage.append(2, batch(3, 1), NOTHING)
        assert (await storage.head()).projected == 3

    async def test_facts(self, storage: Storage) -> None:
        facts = [Fact("crosswalk", key, {"to": key}, 1) for key in ("ehr|b", "ehr|a", "lab|a", "ehr|a/1")]
        await storage.append(0, batch(1, 1), Projection((), [*facts, Fact("other", "ehr|a", {}, 1)]))
        assert await storage.fact("crosswalk", "ehr|a") == facts[1]
        assert await storage.fact("crosswalk", "ehr|") is None
        assert [fact.key for fact in await storage.facts("crosswalk", "ehr|")] == [
            "ehr|a",
            "ehr|a/1",
            "ehr|b",
        ]
        assert len(await storage.facts("crosswalk")) == 4
        named = [("crosswalk", "lab|a"), ("other", "ehr|a"), ("other", "lab|a"), ("crosswalk", "ehr|a")]
        found = await storage.facts_named(named)
        assert found == {
            named[0]: facts[2],
            named[1]: Fact("other", "ehr|a", {}, 1),
            named[3]: facts[1],
        }
        assert await storage.facts_named([]) == {}
        again = Projection(
            (), [Fact("crosswalk", "ehr|a", {"to": "x"}, 2), Fact("crosswalk", "ehr|a", {"to": "y"}, 3)]
        )
        await storage.append(1, batch(2, 2), again)
        assert await storage.fact("crosswalk", "ehr|a") == Fact("crosswalk", "ehr|a", {"to": "y"}, 3)

    # versions

    async def test_versions_history_and_deletion(self, store: Store) -> None:
        for family in ("One", "Two"):
            await store.submit(put("p", family=family, identifier=identified("7")))
        assert await store.count(by_identifier("7")) == 1
        await store.submit(Command(EHR, [Remove("Patient", "p")]))
        assert await store.count(by_identifier("7")) == 0
        assert not (await store.search(by_identifier("7"))).versions
        current = await store.read("Patient", "p")
        assert current is not None
        assert (current.version, current.deleted, current.content) == (3, True, b"")
        await store.submit(put("p", family="Four", identifier=identified("7")))
        assert await store.count(by_identifier("7")) == 1
        history = await store.history("Patient", "p", 10)
        assert [(found.version, found.deleted) for found in history] == [
            (4, False),
            (3, True),
            (2, False),
            (1, False),
        ]
        assert [_family(found) for found in history] == ["Four", "", "Two", "One"]
        assert [found.version for found in await store.history("Patient", "p", 2, before=4)] == [3, 2]
        assert [found.version for found in await store.history("Patient", "p", 1)] == [4]
        assert list(await store.history("Patient", "p", 5, before=1)) == []
        for found in history:
            assert await store.read_version("Patient", "p", found.version) == found
        assert await store.read_version("Patient", "p", 5) is None

    async def test_two_versions_in_one_batch(self, storage: Storage) -> None:
        one, two, three = (patient("p", name) for name in ("One", "Two", "Three"))
        await storage.append(0, batch(1, 1), Projection([change(one, 1, 1, 1)], ()))
        changes = [change(two, 1, 2, 2, extract(one)), change(three, 1, 3, 3, extract(two))]
        await storage.append(1, batch(2, 2), Projection(changes, ()))
        assert [_family(found) for found in await storage.history("Patient", "p", 9, None)] == [
            "Three",
            "Two",
            "One",
        ]

    async def test_a_change_of_the_ledger_alone_makes_no_version(self, storage: Storage) -> None:
        first = change(patient("p", identifier=identified("7")), 1, 1, 1)
        await storage.append(0, batch(1, 1), Projection([first], ()))
        later = Change(Row(1, first.row.version, b'{"v":[],"d":[]}'), False)
        await storage.append(1, batch(2, 1), Projection([later], ()))
        rows = await storage.rows([Key("Patient", "p"), Key("Patient", "q")])
        assert rows == {Key("Patient", "p"): later.row}
        assert len(await storage.history("Patient", "p", 9, None)) == 1
        assert await storage.count(by_identifier("7")) == 1

    async def test_pages_follow_one_another(self, store: Store) -> None:
        for number in range(7):
            await store.submit(put(f"p{number}", family=f"F{number % 3}", identifier=identified("7")))
        sort = (SortKey("family", "string"),)
        seen: list[str] = []
        query = Query("Patient", TokenIs("identifier", "urn:mrn", "7"), sort=sort, count=3)
        for _ in range(3):
            page = await store.search(query)
            seen += [found.id for found in page.versions]
            if page.cursor:
                query = Query("Patient", query.where, sort=sort, count=3, cursor=decode(page.cursor, sort))
        assert not page.cursor
        assert seen == ["p0", "p3", "p6", "p1", "p4", "p2", "p5"]

    # rebuilding

    @pytest.mark.parametrize("seed", range(2))
    async def test_a_rebuild_gives_the_same_bytes(self, place: Place, seed: int) -> None:
        async with opened(place) as store:
            await random_work(store, seed, 25)
            await store.derive_provenance()
            before = await dump(store.storage)
            position = (await store.storage.head()).position
            assert position > 25
            assert await store.rebuild() == position
            assert await dump(store.storage) == before
            await store.submit(put("after"))
        async with opened(place) as store:
            await store.rebuild()
            assert (await store.storage.head()).projected == position + 1


def _family(version: Version) -> str:
    return loads(version.content)["name"][0]["family"] if version.content else ""
