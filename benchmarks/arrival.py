"""``python -m benchmarks.arrival``: what the world model costs when an EHR's records arrive in bulk.

The resources of the Synthea bundles, copied under new ids until there are ``COUNT`` (100,000), are created one by
one by an authoritative source, ``LANES`` (64) at once, in a SQLite file: once as they are, and once *plain*, with
the decision replaced by one that knows no claims, no ledger and no confidence, and only numbers the version. All
else is the same for both and counted in both: reading the JSON, validation, index values, log, group commit. Both
take turns in lots of ``LOT`` (2,500), so that what else the machine does meets both; what is compared is processor
time. HTTP is left out: it would only make the ratio smaller. Prints the ratio, and the bytes of all ledgers beside
those of all resources. Exit code 1 where the ratio is above 1.2 or the ledgers are above a tenth.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest import mock

from rich.console import Console

from benchmarks.synthea import bundles
from fhirserver.app.collecting import spare_what_stays
from fhirserver.kernel.ids import new_id
from fhirserver.kernel.json import JsonObject, dumps, loads
from fhirserver.model.links import relink
from fhirserver.model.validation import validate
from fhirserver.ports.log import Commit, Statement
from fhirserver.ports.storage import Key
from fhirserver.storage.sqlite.storage import SqliteStorage
from fhirserver.store import committer
from fhirserver.store.commands import Command, Outcome, Put, Written
from fhirserver.store.decide import Decided
from fhirserver.store.state import Matches, Policies, State
from fhirserver.store.store import Store
from fhirserver.world.entity import Entity
from fhirserver.world.ledger import Ledger
from fhirserver.world.sources import Source
from fhirserver.world.survivorship import World

EHR = Source("ehr", "ehr", authoritative=True)
MOST_TIME, MOST_BYTES = 1.2, 0.1
_NOTHING = World({}, Decimal(1), {}, False, (EHR.id,))


def records(archive: Path) -> list[JsonObject]:
    """The resources of all bundles; what refers to another of the same bundle does so by its id."""
    found: list[JsonObject] = []
    for bundle in (loads(body) for group in bundles(archive) for body in group):
        entries = bundle["entry"]
        ids = {e["fullUrl"]: f"{e['resource']['resourceType']}/{e['resource']['id']}" for e in entries}
        found += [relink(e["resource"], ids.get, ids.get) for e in entries]
    return found


def copies(resources: Sequence[JsonObject], count: int) -> Iterator[bytes]:
    """``count`` bodies, each of a resource with an id of its own."""
    for number in range(count):
        yield dumps({**resources[number % len(resources)], "id": f"r{number}"})


def plain_decision(
    state: State, command: Command, policies: Policies, recorded: str, matches: Matches | None = None
) -> Decided:
    """A create as a server makes it that keeps nothing but the resource: one version, one event."""
    (put,) = command.writes
    assert isinstance(put, Put)
    key, serial = Key(put.type, put.id), state.serial + 1
    meta = {**put.content.get("meta", {}), "versionId": "1", "lastUpdated": recorded}
    json = {**put.content, "resourceType": put.type, "id": put.id, "meta": meta}
    event = {
        "e": "asserted",
        "type": put.type,
        "id": put.id,
        "content": put.content,
        "pk": serial,
        "version": 1,
    }
    commit = Commit(state.position + 1, new_id(), recorded, serial, command.statement, (event,))
    entity = Entity(key, serial, 1, commit.position, recorded, Ledger(), _NOTHING, json, dumps(json))
    outcome = Outcome(commit.position, commit.id, (Written(key, entity.as_version(), True, True),))
    prepared = {key: put.prepared} if put.prepared else {}
    return Decided(commit, (entity,), (), outcome, prepared)


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Store]:
    store = Store(SqliteStorage(path), Policies({EHR.id: EHR}, validate))
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def arrive(store: Store, bodies: Iterable[bytes], lanes: int) -> float:
    """Create all; processor seconds taken."""
    waiting = iter(bodies)

    async def lane() -> None:
        for body in waiting:
            resource = loads(body)
            if any(issue.severity == "error" for issue in validate(resource)):
                raise ValueError("a resource of the data is not valid")
            put = store.prepared(
                Put(resource["resourceType"], resource["id"], resource, create=True, settled=True)
            )
            await store.submit(Command(Statement(EHR.id), (put,)))

    begun = time.process_time()
    await asyncio.gather(*(lane() for _ in range(lanes)))
    return time.process_time() - begun


async def in_turn(
    world: Store, plain: Store, bodies: Callable[[], Iterator[bytes]], lot: int, lanes: int
) -> list[tuple[float, float]]:
    """Processor milliseconds per resource of each lot: with the world model, and plain."""
    found: list[tuple[float, float]] = []
    ours, theirs = bodies(), bodies()
    while some := [body for body, _ in zip(ours, range(lot), strict=False)]:
        same = [body for body, _ in zip(theirs, range(lot), strict=False)]
        with_world = await arrive(world, some, lanes)
        with mock.patch.object(committer, "decide", plain_decision):
            without = await arrive(plain, same, lanes)
        found.append((with_world / len(some) * 1000, without / len(same) * 1000))
    return found


async def weights(store: Store, keys: Sequence[Key]) -> tuple[int, int]:
    """Bytes of all ledgers, and of all resources."""
    ledgers = contents = 0
    for begin in range(0, len(keys), 500):
        rows: Mapping[Key, Any] = await store.storage.rows(keys[begin : begin + 500])
        ledgers += sum(len(row.ledger) for row in rows.values())
        contents += sum(len(row.version.content) for row in rows.values())
    return ledgers, contents


async def run(archive: Path, count: int, lot: int, lanes: int, folder: Path) -> tuple[list[Any], int, int]:
    """The costs of each lot, the bytes of the ledgers and of the resources."""
    resources = records(archive)
    types = [resource["resourceType"] for resource in resources]
    async with opened(folder / "world.db") as world, opened(folder / "plain.db") as plain:
        spare_what_stays()
        costs = await in_turn(world, plain, lambda: copies(resources, count), lot, lanes)
        keys = [Key(types[number % len(types)], f"r{number}") for number in range(count)]
        return costs, *await weights(world, keys)


def main() -> int:
    env, console = os.environ, Console(width=None if sys.stdout.isatty() else 110)
    archive = Path(env.get("CORPUS") or "../shared/corpus") / "synthea-10.tar.xz"
    count, lot = int(env.get("COUNT") or 100_000), int(env.get("LOT") or 2_500)
    with tempfile.TemporaryDirectory(prefix="credence-arrival-", dir=env.get("DATA") or None) as folder:
        work = run(archive, count, lot, int(env.get("LANES") or 64), Path(folder))
        costs, ledgers, contents = asyncio.run(work)
    with_world, without = (statistics.median(column) for column in zip(*costs, strict=True))
    ratio = statistics.median(one / other for one, other in costs)
    console.print(f"{count:,} resources in {len(costs)} lots; medians of processor time a resource:")
    console.print(f"with the world model {with_world:.3f} ms, plain {without:.3f} ms; ratio {ratio:.3f}")
    share = ledgers / contents
    console.print(f"ledgers {ledgers / 1e6:.1f} MB, resources {contents / 1e6:.1f} MB: {share:.1%}")
    return 0 if ratio <= MOST_TIME and share < MOST_BYTES else 1


if __name__ == "__main__":
    sys.exit(main())
