"""Another policy is recorded, applied lot by lot, and says what it changed; claims age day by day."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapters.runner.writeback import Sink, Writeback
from fhirserver.kernel.instants import FixedClock
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.model.validation import validate
from fhirserver.ports.log import Statement
from fhirserver.search.expression import Query
from fhirserver.storage.memory.storage import MemoryStorage
from fhirserver.storage.sqlite.storage import SqliteStorage
from fhirserver.store.commands import Command, Put
from fhirserver.store.followers import Following
from fhirserver.store.state import Policies
from fhirserver.store.store import Store
from fhirserver.world.policy import Policy, parse_policy
from fhirserver.world.review import read_item
from fhirserver.world.sources import Source
from fhirserver.world.survivorship import claims_on
from subscriptions import rounds
from subscriptions.ageing import Ageing
from subscriptions.policy_changes import (
    APPLYING,
    Change,
    PolicyChanges,
    record,
    recorded,
    summary,
    survey,
    table,
)

SOURCES = {
    source.id: source
    for source in (
        Source("credence", "system", authoritative=True),
        Source("ehr", "ehr", authoritative=True),
        Source("feed", "hl7v2", base=Decimal("0.9")),
        Source("operator", "operator"),
    )
}
KINDS = {id: source.kind for id, source in SOURCES.items()}
LOOSE = parse_policy('[[rule]]\nwriteback = 0.7\nreview = "always"\n')
STRICT = parse_policy(
    '[[rule]]\nwriteback = 0.7\nreview = "always"\n'
    '[[rule]]\ntype = "Coverage"\nwriteback = 0.95\n'
    '[[rule]]\ntype = "Patient"\nunit = "telecom"\nceiling = { hl7v2 = 0.6 }\n'
)
PHONE = {"telecom": [{"system": "phone", "value": "555-123-4567"}]}


@asynccontextmanager
async def opened(policy: Policy, path: Path | None = None) -> AsyncIterator[Store]:
    storage = SqliteStorage(path) if path else MemoryStorage()
    store = Store(storage, Policies(SOURCES, validate, policy))
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def put(store: Store, source: str, type: str, id: str, content: JsonObject) -> None:
    write = Put(type, id, {"resourceType": type, "id": id, **content})
    await store.submit(Command(Statement(source, mode="partial"), (write,)))


async def fill(store: Store, count: int = 3) -> None:
    for number in range(count):
        await put(store, "feed", "Patient", f"p{number}", {"gender": "female", **PHONE})
        await put(store, "feed", "Coverage", f"c{number}", {"status": "active"})
    await put(store, "ehr", "Patient", "sure", {"gender": "male", **PHONE})


async def apply(store: Store, policy: Policy) -> int:
    changes, steps = PolicyChanges(store, policy, SOURCES, "credence"), 0
    while await changes.step():
        steps += 1
    return steps


async def confidence(store: Store, type: str, id: str, unit: str) -> Decimal:
    entity = await store.entity(type, id)
    assert entity is not None
    return claims_on(entity.ledger, unit)[0].confidence


KEY = "telecom[phone|+15551234567]"
COUNTS = {
    "Coverage": {"resources": 3},
    "Coverage.status": {"failed": 3, "resources": 3},
    "Patient": {"resources": 3},
    "Patient.telecom": {"lowered": 3, "failed": 3, "resources": 3},
}


async def test_a_change_is_recorded_applied_and_told() -> None:
    async with opened(LOOSE) as store:
        assert await record(store, LOOSE, "credence") and not await record(store, LOOSE, "credence")
        await fill(store)
        assert await survey(store, Change(LOOSE, STRICT, KINDS)) == COUNTS
        head = store.head
        assert await record(store, STRICT, "credence")
        assert await recorded(store) == STRICT
        await apply(store, STRICT)
        held = await store.fact(*APPLYING)
        assert held is not None
        assert held.value["counts"] == COUNTS and held.value["done"]
        assert await confidence(store, "Patient", "p1", KEY) == Decimal("0.6")
        assert await confidence(store, "Patient", "sure", KEY) == 1
        assert "555" not in "".join([*table(COUNTS), summary(COUNTS)])
        assert summary(COUNTS) == "resources: 6; claims lowered: 3, raised: 0; gates passed now: 0, failed: 6"
        assert head < store.head
        assert await apply(store, STRICT) == 0


async def test_what_fails_its_gate_now_goes_to_review_and_comes_off_again() -> None:
    async with opened(LOOSE) as store:
        await record(store, LOOSE, "credence")
        await fill(store, 1)
        for policy, statuses in ((STRICT, {"requested"}), (relaxed(), {"cancelled"})):
            await record(store, policy, "credence")
            await apply(store, policy)
            tasks = await items(store)
            assert {task["status"] for task in tasks} == statuses and len(tasks) == 2
        claims = [claim for task in tasks for claim in read_item(task).claims]
        assert {claim.unit for claim in claims} == {"status", KEY}


def relaxed() -> Policy:
    """Nothing needs review any more, and the ceiling is gone."""
    return parse_policy('[[rule]]\nwriteback = 0.7\nreview = "never"\n')


async def items(store: Store) -> list[Any]:
    page = await store.search(Query("Task", count=100))
    return [loads(version.content) for version in page.versions]


async def test_what_passes_its_gate_now_is_offered_to_the_sink_and_called_off_when_it_fails_again() -> None:
    async with opened(HUMAN) as store:
        await record(store, HUMAN, "credence")
        await fill(store, 1)
        sink = Sink("clinic", "ehr")
        assert await follow(store, Writeback(store, HUMAN, sink)) == []
        for policy, status in ((LOOSE, "requested"), (HUMAN, "cancelled")):
            await record(store, policy, "credence")
            await apply(store, policy)
            offered = await follow(store, Writeback(store, policy, sink))
            assert [task["focus"]["reference"] for task in offered] == ["Patient/p0/_history/1"]
            assert {task["status"] for task in offered} == {status}


HUMAN = parse_policy('[[rule]]\nreview = "never"\n')


async def follow(store: Store, writeback: Writeback) -> list[JsonObject]:
    """Have the follower take all in; the Tasks there are then."""
    following = Following(store, writeback, "credence")
    while await following.step():
        pass
    return [task for task in await items(store) if task["code"]["coding"][0]["code"] == "writeback"]


async def test_a_ceiling_that_is_lifted_gives_back_what_was_stated() -> None:
    async with opened(LOOSE) as store:
        await record(store, LOOSE, "credence")
        await fill(store, 1)
        for policy, worth in ((STRICT, "0.6"), (relaxed(), "0.9"), (STRICT, "0.6")):
            await record(store, policy, "credence")
            await apply(store, policy)
            assert await confidence(store, "Patient", "p0", KEY) == Decimal(worth)


async def test_a_change_before_the_last_is_through_takes_both_together(monkeypatch: Any) -> None:
    monkeypatch.setattr(rounds.next_lot, "__defaults__", (1,))
    async with opened(LOOSE) as store:
        await record(store, LOOSE, "credence")
        await fill(store)
        await record(store, STRICT, "credence")
        assert await PolicyChanges(store, STRICT, SOURCES, "credence").step()
        await record(store, relaxed(), "credence")
        await apply(store, relaxed())
        entity = await store.entity("Patient", "p0")
        assert entity is not None and entity.world.lower == {}
        held = await store.fact(*APPLYING)
        assert held is not None and held.value["before"] == LOOSE.digest


async def test_the_first_policy_bounds_what_is_there() -> None:
    async with opened(LOOSE) as store:
        await fill(store, 1)
        await record(store, STRICT, "credence")
        await apply(store, STRICT)
        assert await confidence(store, "Patient", "p0", KEY) == Decimal("0.6")
        (item,) = await items(store)
        assert item["focus"] == {"reference": "Patient/p0"}, "as far as anybody knows no other gate has moved"


async def test_the_log_alone_makes_it_again(tmp_path: Path) -> None:
    async with opened(LOOSE, tmp_path / "a.db") as store:
        await record(store, LOOSE, "credence")
        await fill(store)
        await record(store, STRICT, "credence")
        await apply(store, STRICT)
        await store.derive_provenance()
        before = list(await store.storage.dump())
        await store.rebuild()
        assert list(await store.storage.dump()) == before


KILLED = """
import asyncio, os, sys
from pathlib import Path
from subscriptions import rounds
from tests.unit.subscriptions.test_policy_changes import LOOSE, STRICT, SOURCES, PolicyChanges, opened

rounds.next_lot.__defaults__ = (1,)

async def main():
    async with opened(LOOSE, Path(sys.argv[1])) as store:
        changes = PolicyChanges(store, STRICT, SOURCES, "credence")
        while await changes.step():
            print("lot", flush=True)

asyncio.run(main())
"""


@pytest.mark.skipif(os.name != "posix", reason="kill -9")
async def test_killed_in_between_it_goes_on_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    async with opened(LOOSE, path) as store:
        await record(store, LOOSE, "credence")
        await fill(store)
        await record(store, STRICT, "credence")
    with subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"lot\n"
        process.send_signal(signal.SIGKILL)
    async with opened(LOOSE, path) as store:
        await apply(store, STRICT)
        held = await store.fact(*APPLYING)
        assert held is not None and held.value["counts"] == COUNTS and held.value["done"]
        for number in range(3):
            entity = await store.entity("Patient", f"p{number}")
            assert entity is not None
            assert [made.kind for made in entity.ledger.decisions] == ["cap"]
        assert len(await items(store)) == 6, "one review item for each, as without the kill"


AGEING = parse_policy('[[rule]]\ntype = "Patient"\nunit = "telecom"\ndecay = { half_life_days = 100 }\n')


async def test_claims_age_once_a_day_and_only_by_commits_that_say_so(tmp_path: Path) -> None:
    async with opened(AGEING, tmp_path / "a.db") as store:
        await fill(store)
        clock, head = FixedClock(datetime.now(UTC)), store.head
        ageing = Ageing(store, AGEING, SOURCES, "credence", clock)
        for days, worth, commits in (
            (0, "0.9", 0),
            (50, "0.9", 0),
            (51, "0.45", 1),
            (0, "0.45", 1),
            (100, "0.22", 2),
        ):
            clock.at += timedelta(days=days)
            while await ageing.step():
                pass
            assert await confidence(store, "Patient", "p1", KEY) == Decimal(worth)
            assert store.head == head + commits
        again = Ageing(store, AGEING, SOURCES, "credence", clock)
        while await again.step():
            pass
        assert store.head == head + 2, "a new process finds nothing left to do"
        await store.derive_provenance()
        before = list(await store.storage.dump())
        await store.rebuild()
        assert list(await store.storage.dump()) == before
