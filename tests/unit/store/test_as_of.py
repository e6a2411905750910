"""The world as of a moment is what the store held then: replay of the log to a position gives exactly that."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhirserver.kernel.instants import FixedClock
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, Refusal
from fhirserver.ports.log import Statement
from fhirserver.ports.storage import Key, Storage, Version
from fhirserver.search.cursor import decode
from fhirserver.search.expression import Expression, Query, ReferenceIs, SortKey, TokenIs, conjunction
from fhirserver.storage.memory.storage import MemoryStorage
from fhirserver.storage.sqlite.storage import SqliteStorage
from fhirserver.store.as_of import (
    Moment,
    course,
    entity_as_of,
    latest,
    moment,
    moment_at,
    version_as_of,
)
from fhirserver.store.commands import Amend, Command, Decide, Put, Remove, Ruling
from fhirserver.store.past import Past
from fhirserver.store.store import Store
from fhirserver.world.chronicle import Chronicle, identity
from fhirserver.world.entity import Entity
from fhirserver.world.ledger import Ledger
from fhirserver.world.reasons import rule_of, settled
from fhirserver.world.survivorship import claims_on, contend
from tests.contracts.places import AGENT, EHR, POLICIES

PATIENTS, OBSERVATIONS = ("p1", "p2"), ("o1", "o2", "o3")
KEYS = [Key("Patient", id) for id in PATIENTS] + [Key("Observation", id) for id in OBSERVATIONS]
FINAL = TokenIs("status", None, "final")


@asynccontextmanager
async def opened(storage: Storage, clock: FixedClock) -> AsyncIterator[Store]:
    store = Store(storage, POLICIES, clock=clock)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


# --- random work


def observation(chance: random.Random, id: str) -> JsonObject:
    subject = {"reference": f"Patient/{chance.choice(PATIENTS)}"}
    status = chance.choice(["final", "amended"])
    return {"resourceType": "Observation", "id": id, "status": status, "subject": subject}


def patient(chance: random.Random, id: str) -> JsonObject:
    stated: JsonObject = {"resourceType": "Patient", "id": id, "gender": chance.choice(["male", "female"])}
    if chance.random() < 0.5:
        stated["birthDate"] = chance.choice(["1980-01-01", "1981-02-02"])
    return stated


async def command(store: Store, chance: random.Random) -> Command:
    """A write or ruling such as come; several writes in one command now and then."""
    said = chance.choice([EHR, AGENT, Statement("agent", confidence=Decimal("0.3"), mode="partial")])
    match chance.randint(0, 9):
        case 0:
            return Command(EHR, [Remove(*chance.choice(KEYS))])
        case 1:
            return Command(
                said, [Amend("Patient", chance.choice(PATIENTS), lambda json: {**json, "active": True})]
            )
        case 2 | 3:
            return await ruling(store, chance) or Command(EHR, [])
        case 4 | 5:
            return Command(
                said, [Put("Patient", id, patient(chance, id)) for id in PATIENTS[: chance.randint(1, 2)]]
            )
        case 6:
            id, other = chance.choice(PATIENTS), chance.choice(OBSERVATIONS)
            writes = [
                Put("Patient", id, patient(chance, id)),
                Put("Observation", other, observation(chance, other)),
            ]
            return Command(said, writes)
        case _:
            id = chance.choice(OBSERVATIONS)
            return Command(said, [Put("Observation", id, observation(chance, id))])


async def ruling(store: Store, chance: random.Random) -> Command | None:
    key = chance.choice(KEYS)
    entity = await store.entity(*key)
    if entity is None or entity.deleted:
        return None
    unit = chance.choice(sorted(entity.world.units))
    claims = claims_on(entity.ledger, unit)
    if not claims:
        return None
    claim = chance.choice(claims)
    kind = chance.choice(["approve", "reject", "verify"])
    made = Ruling(kind, unit, claim.source, claim.stamp.position)
    return Command(Statement("operator"), [Decide(*key, [made])])


# --- what the live store says, and what is said of the past


def compartment(id: str, *more: Expression) -> Query:
    return Query("Observation", conjunction([ReferenceIs("subject", "Patient", id), *more]))


def queries() -> list[tuple[str, Query]]:
    sort = (SortKey("_lastUpdated", "updated", True),)
    found = []
    for id in PATIENTS:
        for query in (compartment(id), compartment(id, FINAL)):
            found += [(id, query), (id, Query(query.type, query.where, sort=sort))]
    return found


State = tuple[dict[Key, Entity | None], list[list[Version]]]


async def live(store: Store) -> State:
    entities = {key: await store.entity(*key) for key in KEYS}
    return entities, [list((await store.search(query)).versions) for _, query in queries()]


async def past(store: Store, at: Moment) -> State:
    entities = {key: await entity_as_of(store, key, at) for key in KEYS}
    compartments = {id: Past(store, at, [id]) for id in PATIENTS}
    searches = [list((await compartments[id].search(query)).versions) for id, query in queries()]
    return entities, searches


def plain(entity: Entity | None) -> Any:
    return None if entity is None else entity.as_row()


async def agrees(storage: Storage, seed: int, steps: int) -> None:
    """Work, keeping what the store said after each commit; then ask for each position again."""
    chance, clock = random.Random(seed), FixedClock(datetime(2026, 11, 22, tzinfo=UTC))
    async with opened(storage, clock) as store:
        kept: dict[int, State] = {0: await live(store)}
        for _ in range(steps):
            clock.at += timedelta(seconds=chance.choice([0, 0, 1]))
            try:
                await store.submit(await command(store, chance))
            except Refusal:
                continue
            kept[store.head] = await live(store)
        assert sorted(kept) == list(range(store.head + 1))
        for position, (entities, found) in kept.items():
            at = await moment_at(store, position)
            then, searched = await past(store, at)
            assert {k: plain(e) for k, e in then.items()} == {k: plain(e) for k, e in entities.items()}
            assert searched == found
            for key, entity in entities.items():
                assert await version_as_of(store, key, at) == (entity.as_version() if entity else None)
        for key in KEYS:
            await explained(store, key)


async def explained(store: Store, key: Key) -> None:
    """Every dead claim has a ruling that killed it, and the chronicle ends with the claims as they are."""
    chronicle, ledger = Chronicle(), Ledger()
    async for commit, entity in course(store, key, await latest(store)):
        chronicle.take(commit.position, entity)
        ledger = entity.ledger
    for unit in chronicle.units:
        claims = claims_on(ledger, unit)
        standing = {identity(one.claim): one.status for one in chronicle.told(unit) if one.stands}
        assert standing == {identity(claim): claim.status for claim in claims}
        for claim in claims:
            ruling = settled(ledger, claim)
            assert (ruling is None) == (claim.status == "live")
            if ruling is not None and claim.status == "rejected":
                assert (ruling.kind, ruling.source, ruling.claim) == ("reject", *identity(claim))
            elif ruling is not None:
                assert identity(claim) in ruling.against
        win = contend(claims)
        assert (rule_of(ledger, win) == "none") == (win is None)


@settings(max_examples=4)
@given(st.integers(0, 2**32))
async def test_in_memory(seed: int) -> None:
    await agrees(MemoryStorage(), seed, 30)


async def test_on_sqlite(tmp_path: Path) -> None:
    await agrees(SqliteStorage(tmp_path / "t.db"), seed=1, steps=50)


async def test_moments() -> None:
    clock = FixedClock(datetime(2026, 11, 22, 23, 59, tzinfo=UTC))
    async with opened(MemoryStorage(), clock) as store:
        for gender in ("male", "female"):
            await store.submit(
                Command(EHR, [Put("Patient", "p1", {"resourceType": "Patient", "gender": gender})])
            )
            clock.at += timedelta(minutes=1)
        clock.at += timedelta(hours=1)
        asked = {
            "0": 0,
            "1": 1,
            "2": 2,
            "2026-11-21": 0,
            "2026-11-22": 1,
            "2026-11-22T23:59Z": 1,
            "2026-11-22T23:59:00.000Z": 1,
            "2026-11-22T23:58:59.999Z": 0,
            "2026-11-23T01:00:00+01:00": 2,
            "2026-11-23": 2,  # a day that is not over counts up to now
            "2026-11": 2,
        }
        assert {text: (await moment(store, text)).position for text in asked} == asked
        for wrong in ("3", "2026-11-24", "2026-12", "yesterday", "", "-1", "1.0"):
            with pytest.raises(Refusal) as refused:
                await moment(store, wrong)
            assert refused.value.category is Category.INVALID
            assert refused.value.issues[0].expression == ("http._asOf",)


async def test_now_may_be_asked_for_to_the_microsecond() -> None:
    """The store's instants are milliseconds: a client's clock that reads finer is not ahead of it."""
    clock = FixedClock(datetime(2026, 11, 23, 12, 0, 0, 500_700, tzinfo=UTC))
    async with opened(MemoryStorage(), clock) as store:
        await store.submit(Command(EHR, [Put("Patient", "p1", patient(random.Random(1), "p1"))]))
        assert (await moment(store, "2026-11-23T12:00:00.500699Z")).position == 1
        with pytest.raises(Refusal):
            await moment(store, "2026-11-23T12:00:00.501Z")


async def test_pages_of_the_past_stay_put() -> None:
    """Pages neither skip nor repeat while the present changes; what left the compartment since is there."""
    async with opened(MemoryStorage(), FixedClock(datetime(2026, 11, 22, tzinfo=UTC))) as store:
        for number in range(7):
            subject = {"reference": "Patient/p1"}
            made = {"resourceType": "Observation", "status": "final", "subject": subject}
            await store.submit(Command(EHR, [Put("Observation", f"o{number}", made)]))
        at = await moment_at(store, store.head)
        seen, place = [], ""
        while True:
            cursor = decode(place, ()) if place else None
            query = Query("Observation", compartment("p1").where, count=3, cursor=cursor)
            page = await Past(store, at, ["p1"]).search(query)
            seen += [version.id for version in page.versions]
            await store.submit(Command(EHR, [Remove("Observation", f"o{len(seen) - 1}")]))
            place = page.cursor
            if not place:
                break
        assert seen == [f"o{number}" for number in range(7)]
        assert await Past(store, at, ["p1"]).count(compartment("p1")) == 7
