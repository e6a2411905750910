"""What every storage must hold to, run by memory, SQLite and MongoDB alike.

A storage's test module subclasses :class:`StorageContract` and gives the fixture ``place``; those that live
in a place which other processes reach subclass :class:`SharedStorageContract`.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fhirserver.kernel.json import JsonObject, dumps, loads
from fhirserver.kernel.outcomes import Category, Refusal
from fhirserver.ports.log import Commit, LostRace, Statement
from fhirserver.ports.storage import Change, Fact, Head, Key, Projection, Row, Storage, Version
from fhirserver.search.cursor import decode
from fhirserver.search.expression import Query, SortKey, TokenIs
from fhirserver.store.commands import Amend, Command, Decide, Note, Put, Remove, Ruling
from fhirserver.store.store import Store
from fhirserver.world.survivorship import claims_on
from tests.contracts.contained_contract import ContainedContract
from tests.contracts.history_contract import HistoryContract
from tests.contracts.merge_contract import MergeContract
from tests.contracts.places import AGENT, EHR, Place, connected, extract, opened

RECORDED = "2026-11-22T14:47:00.000Z"
LEDGER = b'{"v":[]}'
NOTHING = Projection((), ())
ROOT = Path(__file__).resolve().parents[2]


# --- making things


def commit(position: int, note: str = "", serial: int = 0) -> Commit:
    event: JsonObject = {"e": "noted", "kind": "test", "key": note or str(position), "value": {"n": position}}
    return Commit(position, f"c{position}-{note}", RECORDED, serial, Statement("ehr"), (event,))


def batch(first: int, count: int, note: str = "") -> list[Commit]:
    return [commit(position, note) for position in range(first, first + count)]


def patient(id: str, family: str = "Miller", **more: Any) -> JsonObject:
    return {"resourceType": "Patient", "id": id, "name": [{"family": family}], **more}


def change(resource: JsonObject, pk: int, version: int, position: int, old: Sequence[Any] = ()) -> Change:
    content = dumps(resource)
    made = Version(resource["resourceType"], resource["id"], version, position, RECORDED, False, content)
    return Change(Row(pk, made, LEDGER), True, old, extract(resource))


def put(id: str, statement: Statement = EHR, **more: Any) -> Command:
    return Command(statement, [Put("Patient", id, patient(id, **more))])


def by_identifier(value: str) -> Query:
    return Query("Patient", TokenIs("identifier", None, value))


def identified(value: str) -> list[JsonObject]:
    return [{"system": "urn:mrn", "value": value}]


async def dump(storage: Storage) -> list[bytes]:
    return list(await storage.dump())


async def everything(storage: Storage) -> tuple[Head, Sequence[Commit], list[bytes]]:
    return await storage.head(), await storage.read_log(0, 10_000), await dump(storage)


async def outcomes(*submitted: Any) -> Counter[str]:
    """How often each outcome came: ``ok`` or the category of the refusal; anything else is an error."""
    answers = await asyncio.gather(*submitted, return_exceptions=True)
    found: Counter[str] = Counter()
    for answer in answers:
        if isinstance(answer, BaseException) and not isinstance(answer, Refusal):
            raise answer
        found[answer.category.name if isinstance(answer, Refusal) else "ok"] += 1
    return found


async def random_work(store: Store, seed: int, steps: int) -> None:
    """Creates, updates by two sources, patches, deletes, rulings and notes, several at once."""
    chance = random.Random(seed)
    ids = [f"w{number}" for number in range(8)]
    for _ in range(steps):
        commands = [_random_command(chance, chance.choice(ids)) for _ in range(chance.randint(1, 6))]
        await outcomes(*(store.submit(command) for command in commands))
        if chance.random() < 0.3:
            await _random_ruling(store, chance, chance.choice(ids))


def _random_command(chance: random.Random, id: str) -> Command:
    family = chance.choice(["Miller", "Møller", "Smith", "Szabó"])
    statement = chance.choice([EHR, AGENT])
    more: JsonObject = {"birthDate": f"19{chance.randint(10, 99)}"} if chance.random() < 0.5 else {}
    match chance.randint(0, 7):
        case 0:
            return Command(EHR, [Remove("Patient", id)])
        case 1:
            return Command(statement, [Amend("Patient", id, lambda json: {**json, "birthDate": "1980-01"})])
        case 2:
            return Command(EHR, [Note("crosswalk", id, {"id": chance.randint(1, 5)})])
        case 3:
            subject = {
                "resourceType": "Observation",
                "id": f"o-{id}",
                "subject": {"reference": f"Patient/{id}"},
            }
            return Command(
                statement, [Put("Observation", f"o-{id}", subject), *put(id, family=family).writes]
            )
        case _:
            return put(id, statement, family=family, identifier=identified(family), **more)


async def _random_ruling(store: Store, chance: random.Random, id: str) -> None:
    entity = await store.entity("Patient", id)
    if entity is None or entity.deleted:
        return
    unit = chance.choice(sorted(entity.world.units))
    claims = claims_on(entity.ledger, unit)
    if claims:
        claim = chance.choice(claims)
        ruling = Ruling(
            chance.choice(["approve", "reject", "verify"]), unit, claim.source, claim.stamp.position
        )
        await outcomes(store.submit(Command(Statement("operator"), [Decide("Patient", id, [ruling])])))


class StorageContract(HistoryContract, ContainedContract, MergeContract):
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
                await outcomes(store.submit(_random_command(chance, f"w{chance.randrange(8)}")))
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

    # several at once

    async def test_of_two_at_the_same_head_one_loses(self, place: Place) -> None:
        async with connected(place) as one, connected(place) as other:
            assert await one.head() == await other.head()
            await one.append(0, batch(1, 3, "one"), NOTHING)
            with pytest.raises(LostRace):
                await other.append(0, batch(1, 5, "other"), NOTHING)
            assert await other.read_log(0, 10) == batch(1, 3, "one")
            await other.append(3, batch(4, 1, "other"), NOTHING)
            with pytest.raises(LostRace):
                await one.append(3, batch(4, 1, "one"), NOTHING)
            assert (await one.head()).position == 4

    async def test_a_follower_sees_whole_batches_in_order(self, place: Place) -> None:
        """Writers with batches of different sizes race; a reader polls and must never see a gap."""
        batches = 24
        async with contextlib.AsyncExitStack() as stack:
            writers = [await stack.enter_async_context(connected(place)) for _ in range(3)]
            reader = await stack.enter_async_context(connected(place))
            done = asyncio.Event()
            following = asyncio.create_task(_follow(reader, done))
            sizes = [1, 2, 5]
            won = await asyncio.gather(
                *(_write_batches(w, f"w{n}", sizes[n], batches // 3) for n, w in enumerate(writers))
            )
            done.set()
            seen = await asyncio.wait_for(following, 30)
            assert [found.position for found in seen] == list(range(1, sum(sizes) * batches // 3 + 1))
            assert _batches(seen) == sorted(itertools.chain(*won))

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

    # through the store

    async def test_group_commit_with_outcomes_of_their_own(self, place: Place) -> None:
        storage = _Counting(place.storage())
        async with opened(place, storage) as store:
            await store.submit(put("known"))
            refused = Command(
                EHR, [Put("Patient", "known", patient("known", "X"), if_match=9), *put("half").writes]
            )
            unknown = Command(Statement("nobody"), [Put("Patient", "n", patient("n"))])
            good = [put(f"p{number}") for number in range(40)]
            commands = [*good[:20], refused, unknown, *good[20:]]
            appends = storage.appends
            found = await outcomes(*(store.submit(command) for command in commands))
            assert found == {"ok": 40, "PRECONDITION_FAILED": 1, "FORBIDDEN": 1}
            assert storage.appends - appends < 10
            assert await store.read("Patient", "half") is None
            assert (await store.storage.head()).position == 41

    async def test_one_of_many_updates_of_a_version_wins(self, place: Place) -> None:
        async with opened(place) as one, opened(place) as other:
            await one.submit(put("p"))
            updates = [
                Command(EHR, [Put("Patient", "p", patient("p", f"F{number}"), if_match=1)])
                for number in range(100)
            ]
            submitted = (
                store.submit(u) for store, u in zip(itertools.cycle([one, other]), updates, strict=False)
            )
            assert await outcomes(*submitted) == {"ok": 1, "PRECONDITION_FAILED": 99}
            assert [found.version for found in await other.history("Patient", "p", 9)] == [2, 1]

    async def test_conditional_creates_make_one_resource(self, place: Place) -> None:
        async with opened(place) as one, opened(place) as other:
            creates = [
                Command(
                    EHR,
                    [
                        Put(
                            "Patient",
                            f"n{n}",
                            patient(f"n{n}", identifier=identified("7")),
                            create=True,
                            unless="c",
                        )
                    ],
                    {"c": by_identifier("7")},
                )
                for n in range(50)
            ]
            answers = await asyncio.gather(
                *(store.submit(c) for store, c in zip(itertools.cycle([one, other]), creates, strict=False))
            )
            written = [answer.results[0] for answer in answers]
            assert [result.created for result in written].count(True) == 1
            assert len({result.key for result in written}) == 1
            assert await one.count(by_identifier("7")) == 1
            assert (await other.storage.head()).position == 1

    async def test_a_checkpoint_moves_once(self, place: Place) -> None:
        """Two processes run the same follower: every effect is there once, in order."""
        steps = 12
        async with opened(place) as one, opened(place) as other:
            found = await asyncio.gather(_advance(one, "a", steps), _advance(other, "b", steps))
            assert sum(found) == steps
            effects = [
                event
                for one_commit in await one.read_log(0, 1000)
                for event in one_commit.events
                if event["e"] == "asserted"
            ]
            assert [event["id"] for event in effects] == [f"effect-{step}" for step in range(1, steps + 1)]
            fact = await other.fact("checkpoint", "follower")
            assert fact is not None
            assert fact.value == {"position": steps}

    @pytest.mark.parametrize("seed", range(3))
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

    async def test_provenance_is_derived_once_by_however_many(self, place: Place) -> None:
        async with opened(place) as one, opened(place) as other:
            await random_work(one, 9, 10)
            stores = [one, other, one, other]
            await asyncio.gather(*(store.derive_provenance() for store in stores))
            before = await dump(one.storage)
            log = await one.read_log(0, 1000)
            about = [found for found in log if any(event["e"] != "noted" for event in found.events)]
            assert await other.count(Query("Provenance")) == len(about)
            page = await other.search(Query("Provenance", count=1000))
            assert {found.id for found in page.versions} == {found.id for found in about}
            await one.rebuild()
            assert await dump(one.storage) == before


def _family(version: Version) -> str:
    return loads(version.content)["name"][0]["family"] if version.content else ""


async def _write_batches(storage: Storage, name: str, size: int, count: int) -> list[tuple[int, int]]:
    """Append ``count`` batches whatever the others do; returns first position and size of each."""
    made: list[tuple[int, int]] = []
    while len(made) < count:
        head = await storage.head()
        if head.projected < head.position:
            await asyncio.sleep(0.002)  # the one who appended is about to project
            continue
        with contextlib.suppress(LostRace):
            await storage.append(head.position, batch(head.position + 1, size, name), NOTHING)
            made.append((head.position + 1, size))
        await asyncio.sleep(0)
    return made


async def _follow(storage: Storage, done: asyncio.Event) -> list[Commit]:
    """Read as a follower does until the writers are done and the log is at its end."""
    seen: list[Commit] = []
    while True:
        last = done.is_set()
        found = await storage.read_log(len(seen), 1000)
        assert [one.position for one in found] == list(range(len(seen) + 1, len(seen) + len(found) + 1))
        seen += found
        if found:
            _assert_whole(seen)
        elif last:
            return seen
        await asyncio.sleep(0)


def _assert_whole(seen: list[Commit]) -> None:
    """The last batch is there to its end: batches of w0, w1, w2 have 1, 2 and 5 commits."""
    run = list(itertools.takewhile(lambda one: _writer(one) == _writer(seen[-1]), reversed(seen)))
    assert len(run) % {"w0": 1, "w1": 2, "w2": 5}[_writer(seen[-1])] == 0


def _writer(one: Commit) -> str:
    return one.id.rpartition("-")[2]


def _batches(seen: list[Commit]) -> list[tuple[int, int]]:
    """First position and size of every batch, by who wrote it."""
    found: list[tuple[int, int]] = []
    for name, run in itertools.groupby(seen, _writer):
        size = {"w0": 1, "w1": 2, "w2": 5}[name]
        commits = list(run)
        found += [(commits[at].position, size) for at in range(0, len(commits), size)]
    return found


async def _advance(store: Store, name: str, steps: int) -> int:
    """Run a follower's steps; returns how many of them this one made."""
    made = 0
    while True:
        known = await store.fact("checkpoint", "follower")
        step = (known.value["position"] if known else 0) + 1
        if step > steps:
            return made
        effect = Put(
            "Basic",
            f"effect-{step}",
            {"resourceType": "Basic", "id": f"effect-{step}", "code": {"text": name}},
        )
        note = Note("checkpoint", "follower", {"position": step}, advance=True)
        found = await outcomes(store.submit(Command(EHR, [note, effect])))
        made += found["ok"]
        assert found.keys() <= {"ok", Category.CONFLICT.name}


class _Counting:
    """Passes everything on and counts appends."""

    def __init__(self, storage: Storage):
        self._storage = storage
        self.appends = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)

    async def append(self, expected: int, commits: Sequence[Commit], projection: Projection) -> None:
        self.appends += 1
        await self._storage.append(expected, commits, projection)


class SharedStorageContract(StorageContract):
    """For storages that several processes reach: writers in processes of their own, some of them killed."""

    async def test_processes_race_and_a_follower_sees_it_in_order(self, place: Place) -> None:
        writers = [start_writer(place, f"w{number}", 40) for number in range(2)]
        try:
            async with connected(place) as reader:
                seen = await _follow_processes(reader, writers)
            acknowledged = [lines(writer) for writer in writers]
        finally:
            end(writers)
        assert [len(lines) for lines in acknowledged] == [40, 40]
        assert [one.position for one in seen] == list(range(1, len(seen) + 1))
        await check_acknowledged(place, list(itertools.chain(*acknowledged)))

    @pytest.mark.parametrize("seconds", [0.05, 0.3, 0.8])
    async def test_a_killed_process_leaves_all_it_acknowledged(self, place: Place, seconds: float) -> None:
        async with opened(place):
            pass
        writer = start_writer(place, "k", 100_000)
        try:
            first = await asyncio.to_thread(first_line, writer)
            await asyncio.sleep(seconds)
            os.kill(writer.pid, signal.SIGKILL)
            acknowledged = [first, *lines(writer)]
        finally:
            end([writer])
        await check_acknowledged(place, acknowledged)


def start_writer(place: Place, name: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.contracts.writer", place.text, name, str(count)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True)


def first_line(writer: subprocess.Popen[str]) -> str:
    assert writer.stdout is not None
    line = writer.stdout.readline()
    assert line, "the writer ended before it wrote anything"
    return line.strip()


def lines(writer: subprocess.Popen[str]) -> list[str]:
    assert writer.stdout is not None
    return [line.strip() for line in writer.stdout if line.endswith("\n")]


def end(writers: Sequence[subprocess.Popen[str]]) -> None:
    for writer in writers:
        if writer.poll() is None:
            writer.kill()
        writer.wait()
        assert writer.stdout is not None
        writer.stdout.close()


async def _follow_processes(reader: Storage, writers: Sequence[subprocess.Popen[str]]) -> list[Commit]:
    seen: list[Commit] = []
    while True:
        running = any(writer.poll() is None for writer in writers)
        found = await reader.read_log(len(seen), 1000)
        assert [one.position for one in found] == list(range(len(seen) + 1, len(seen) + len(found) + 1))
        seen += found
        if not running and not found:
            return seen
        await asyncio.sleep(0.002)


async def check_acknowledged(place: Place, acknowledged: Sequence[str]) -> None:
    """All that was acknowledged can be read, nothing is half done, and the log tells the same story."""
    assert acknowledged
    async with opened(place) as store:
        for line in acknowledged:
            position, id = line.split()
            assert (await store.read_log(int(position) - 1, 1))[0].events[0]["id"] == id
            read = await store.read("Patient", id)
            assert read is not None, id
            twin = await store.read("Patient", f"{id}-twin")
            assert twin is not None, f"{id} is half done"
        head = await store.storage.head()
        assert head.projected == head.position
        log = await store.read_log(0, head.position + 1)
        assert [one.position for one in log] == list(range(1, head.position + 1))
        await store.derive_provenance()
        before = await dump(store.storage)
        await store.rebuild()
        assert await dump(store.storage) == before
