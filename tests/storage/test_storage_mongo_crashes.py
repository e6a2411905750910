"""What MongoDB alone can get wrong: append and projection are two steps, and anything may come between."""

from __future__ import annotations

import asyncio
import gc
import os
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from pymongo.errors import AutoReconnect, BulkWriteError

from fhirserver.kernel.outcomes import Category, Refusal
from fhirserver.ports.log import Commit, LostRace
from fhirserver.ports.storage import Key, Projection, Storage
from fhirserver.storage.mongo import payloads, search
from fhirserver.storage.mongo.guarded import replace, write_guarded
from fhirserver.storage.mongo.payloads import Document
from fhirserver.storage.mongo.storage import MongoStorage
from fhirserver.store.store import Store
from tests.contracts.places import MongoPlace, connected, extract, opened
from tests.contracts.processes_contract import check_acknowledged, end, first_line, lines, start_writer
from tests.contracts.storage_work import (
    NOTHING,
    batch,
    by_identifier,
    change,
    dump,
    identified,
    patient,
    put,
    random_work,
)
from tests.mongo_server import LocalMongo, NoMongoServer

pytestmark = [pytest.mark.mongo, pytest.mark.xdist_group("mongo")]


class Crash(Exception):
    """The process is gone."""


class Crashing(MongoStorage):
    """Dies after an append, with a part of the projection written."""

    def __init__(self, place: MongoPlace, chance: random.Random):
        super().__init__(place.url, place.database)
        self._chance = chance
        self.dead = False
        self.crash_at = chance.randint(1, 12)

    async def append(self, expected: int, commits: Sequence[Commit], projection: Projection) -> None:
        if self.dead:
            raise Crash
        await super().append(expected, commits, projection)

    async def _project_surely(self, projection: Projection, position: int) -> None:
        self.crash_at -= 1
        if self.crash_at:
            return await super()._project_surely(projection, position)
        self.dead = True
        await self._projections.write(self._part_of(projection), position)
        raise Crash

    def _part_of(self, projection: Projection) -> Projection:
        """Some resources to their last state, the others not at all; so with the facts."""
        keys = sorted({Key(one.row.version.type, one.row.version.id) for one in projection.changes})
        done = set(self._chance.sample(keys, self._chance.randint(0, len(keys))))
        changes = [c for c in projection.changes if Key(c.row.version.type, c.row.version.id) in done]
        return Projection(changes, projection.facts[: self._chance.randint(0, len(projection.facts))])


@pytest.mark.parametrize("seed", range(2))
async def test_whoever_comes_next_finishes_a_projection(mongo_place: MongoPlace, seed: int) -> None:
    chance = random.Random(seed)
    crashes = 0
    for step in range(8):
        storage = Crashing(mongo_place, chance)
        async with opened(mongo_place, storage) as store:
            try:
                await random_work(store, seed * 100 + step, 6)
            except Crash:
                crashes += 1
                head = await storage.head()
                assert head.projected < head.position
    assert crashes >= 3
    async with opened(mongo_place) as store:
        await store.derive_provenance()
        before = await dump(store.storage)
        await store.rebuild()
        assert await dump(store.storage) == before


class HalfWay(MongoStorage):
    """Dies when only the resource ``p`` is projected, once it is ``armed``."""

    armed = False

    async def _project_surely(self, projection: Projection, position: int) -> None:
        if not self.armed:
            return await super()._project_surely(projection, position)
        assert len(projection.changes) == 4, "one batch was expected"
        changes = [change for change in projection.changes if change.row.version.id == "p"]
        await self._projections.write(Projection(changes, ()), position)
        raise Crash


async def test_a_resource_that_is_ahead_is_not_moved_again(mongo_place: MongoPlace) -> None:
    storage = HalfWay(mongo_place.url, mongo_place.database)
    async with opened(mongo_place, storage) as store:
        await asyncio.gather(*(store.submit(put(id, family="One")) for id in ("p", "q")))
        storage.armed = True
        families = [("p", "Two"), ("q", "Two"), ("p", "Three"), ("new", "One")]
        crashed = [store.submit(put(id, family=family)) for id, family in families]
        assert {type(e) for e in await asyncio.gather(*crashed, return_exceptions=True)} == {Crash}
    async with opened(mongo_place) as store:
        for id, versions in (("p", [3, 2, 1]), ("q", [2, 1]), ("new", [1])):
            assert [found.version for found in await store.history("Patient", id, 9)] == versions
        await store.derive_provenance()
        before = await dump(store.storage)
        await store.rebuild()
        assert await dump(store.storage) == before


class Slow(MongoStorage):
    """Waits between append and projection until it may go on."""

    def __init__(self, place: MongoPlace):
        super().__init__(place.url, place.database)
        self.appended, self.go = asyncio.Event(), asyncio.Event()

    async def _project_surely(self, projection: Projection, position: int) -> None:
        self.appended.set()
        await self.go.wait()
        await super()._project_surely(projection, position)


async def test_a_slow_process_does_not_overwrite_what_came_after(mongo_place: MongoPlace) -> None:
    slow = Slow(mongo_place)
    async with opened(mongo_place, slow) as one, opened(mongo_place) as other:
        late = asyncio.create_task(one.submit(put("p", family="One", identifier=identified("1"))))
        await slow.appended.wait()
        await other.submit(put("p", family="Two", identifier=identified("2")))
        await other.submit(put("p", family="Three", identifier=identified("3")))
        before = await dump(other.storage)
        slow.go.set()
        assert (await late).position == 1
        assert await dump(other.storage) == before
        assert [await one.count(by_identifier(value)) for value in "123"] == [0, 0, 1]
        assert [v.version for v in await one.history("Patient", "p", 9)] == [3, 2, 1]
        assert (await one.storage.head()).projected == 3


async def test_a_new_resource_met_by_two_at_once_ends_in_its_last_state(mongo_place: MongoPlace) -> None:
    """Both find it missing and insert: the one that went further must win, whoever inserts first."""
    async with connected(mongo_place) as one, connected(mongo_place) as other:
        await one.append(0, batch(1, 2), NOTHING)
        for pk in range(1, 31):
            first, second = patient(f"p{pk}", "One"), patient(f"p{pk}", "Two")
            created = change(first, pk, 1, 1)
            updated = change(second, pk, 2, 2, extract(first))
            short, long = Projection([created], ()), Projection([created, updated], ())
            await asyncio.gather(one.project(short, 1), other.project(long, 2))
            read = await one.read("Patient", f"p{pk}")
            assert read is not None
            assert read.version == 2


class MetAtTheDoor:
    """A collection where, the first time, another inserts between our looking and our inserting."""

    def __init__(self, collection: Any, other: Document):
        self._collection = collection
        self._other: Document | None = other

    def __getattr__(self, name: str) -> Any:
        return getattr(self._collection, name)

    async def bulk_write(self, operations: Sequence[Any], **options: Any) -> Any:
        if self._other is None:
            return await self._collection.bulk_write(operations, **options)
        await self._collection.insert_one(self._other)
        self._other = None
        raise BulkWriteError({"writeErrors": [{"index": 0, "code": 11000}], "writeConcernErrors": []})


@pytest.mark.parametrize(("theirs", "stands"), [(1, 2), (2, 2), (3, 3)])
async def test_two_that_insert_at_once(mongo_place: MongoPlace, theirs: int, stands: int) -> None:
    async with connected(mongo_place) as storage:
        assert isinstance(storage, MongoStorage)
        documents = storage._database["test"]
        met: Any = MetAtTheDoor(documents, {"_id": "x", "at": theirs, "by": theirs})
        await write_guarded(met, "at", [replace({"_id": "x", "at": 2, "by": 2}, "at")])
        assert await documents.find_one({"_id": "x"}) == {"_id": "x", "at": stands, "by": stands}


class Unreliable:
    """The log's collection, whose inserts end in a lost connection before or after they are done."""

    def __init__(self, collection: Any, done: bool):
        self._collection = collection
        self._done = done

    def __getattr__(self, name: str) -> Any:
        return getattr(self._collection, name)

    async def insert_one(self, document: Document) -> None:
        if self._done:
            await self._collection.insert_one(document)
        raise AutoReconnect("connection closed")


def lose_connection(storage: Storage, done: bool) -> None:
    assert isinstance(storage, MongoStorage)
    storage._log._batches = Unreliable(storage._log._batches, done)  # type: ignore[assignment]


async def test_an_append_whose_answer_was_lost_is_found(mongo_place: MongoPlace) -> None:
    async with connected(mongo_place) as storage:
        lose_connection(storage, done=True)
        await storage.append(0, batch(1, 2), NOTHING)
        assert await storage.read_log(0, 9) == batch(1, 2)
        assert (await storage.head()).projected == 2


async def test_an_append_that_did_not_arrive_is_an_error(mongo_place: MongoPlace) -> None:
    async with connected(mongo_place) as storage:
        lose_connection(storage, done=False)
        with pytest.raises(Refusal) as refused:
            await storage.append(0, batch(1, 2), NOTHING)
        assert refused.value.category is Category.BUSY
        assert await storage.read_log(0, 9) == []


async def test_an_append_that_did_not_arrive_loses_to_another(mongo_place: MongoPlace) -> None:
    async with connected(mongo_place) as one, connected(mongo_place) as other:
        await one.head()
        await other.append(0, batch(1, 1, "other"), NOTHING)
        lose_connection(one, done=False)
        with pytest.raises(LostRace):
            await one.append(0, batch(1, 2, "one"), NOTHING)
        assert await one.read_log(0, 9) == batch(1, 1, "other")


async def test_a_large_batch_that_lost_leaves_no_parts(
    mongo_place: MongoPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payloads, "INLINE", 100)
    monkeypatch.setattr(payloads, "PART", 50)
    async with connected(mongo_place) as one, connected(mongo_place) as other:
        assert isinstance(one, MongoStorage)
        await one.append(0, batch(1, 3, "one"), NOTHING)
        parts = await one._database["part"].count_documents({})
        assert parts > 3
        with pytest.raises(LostRace):
            await other._log.append(0, batch(1, 2, "other"))  # type: ignore[attr-defined]
        assert await one._database["part"].count_documents({}) == parts
        assert await other.read_log(0, 9) == batch(1, 3, "one")


async def test_everything_holds_when_every_payload_is_in_parts(
    mongo_place: MongoPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payloads, "INLINE", 60)
    monkeypatch.setattr(payloads, "PART", 200)
    async with opened(mongo_place) as store:
        await random_work(store, 5, 5)
        await store.derive_provenance()
        before = await dump(store.storage)
        await store.rebuild()
        assert await dump(store.storage) == before


async def test_the_log_refuses_to_overlap_by_its_keys_alone(mongo_place: MongoPlace) -> None:
    """Even a caller that does not ask for the head cannot put two batches over one another."""
    async with connected(mongo_place) as storage:
        assert isinstance(storage, MongoStorage)
        await storage._log.append(0, batch(1, 3))
        for wrong in (batch(1, 1, "other"), batch(2, 2, "other")):
            with pytest.raises(LostRace):
                await storage._log.append(wrong[0].position - 1, wrong)


async def test_a_join_over_too_many_is_refused(
    mongo_place: MongoPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fhirserver.search.expression import Chain, Everything, Query

    monkeypatch.setattr(search, "MAX_JOINED", 2)
    async with opened(mongo_place) as store:
        asked = Query("Observation", Chain("subject", "Patient", Everything()))
        for number in range(3):
            assert await store.count(asked) == 0
            await store.submit(put(f"p{number}"))
        with pytest.raises(Refusal) as refused:
            await store.search(asked)
        assert refused.value.issues[0].code == "too-costly"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_server_that_is_not_there_is_busy() -> None:
    store = Store(
        MongoStorage("mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200", "t"),
        Any,
        lambda _: (),  # type: ignore[arg-type]
    )
    with pytest.raises(Refusal) as refused:
        await store.open()
    assert refused.value.category is Category.BUSY
    assert "127.0.0.1" not in str(refused.value)
    del store, refused
    gc.collect()  # the driver leaves the socket of a refused connection to the collector


async def test_a_killed_server_keeps_what_was_acknowledged(tmp_path: Path) -> None:
    """``kill -9`` of the database under load; the same commits, all projected, after it is back."""
    server = LocalMongo(tmp_path)
    try:
        server.start()
    except NoMongoServer as missing:
        if "MONGODB_URL" not in os.environ and os.environ.get("CREDENCE_REQUIRE_MONGO"):
            raise
        pytest.skip(f"a server of others cannot be killed: {missing}")
    where = MongoPlace(server.url + "&serverSelectionTimeoutMS=2000", "tenant")
    writer = start_writer(where, "k", 100_000)
    try:
        acknowledged = [await asyncio.to_thread(first_line, writer)]
        await asyncio.sleep(0.3)
        server.kill()
        await asyncio.sleep(0.1)
        writer.kill()
        acknowledged += lines(writer)
        server.start()
        await check_acknowledged(where, acknowledged)
    finally:
        end([writer])
        server.stop()
