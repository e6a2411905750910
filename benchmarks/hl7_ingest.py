"""``python -m benchmarks.hl7_ingest``: processor time of a message, without network and followers.

``COUNT`` (4,000) messages of :mod:`benchmarks.adt_feed` about ``PATIENTS`` (400) patients, ``LANES`` (16) at
once, into a store on a SQLite file in this process, from their bytes to durable, after a tenth of them
unmeasured. Prints milliseconds a message, in the median of lots. ``PROFILE=file`` keeps a profile of it
instead.
"""

from __future__ import annotations

import asyncio
import cProfile
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from adapters.hl7v2.convert.site import Site
from adapters.hl7v2.ingest.world import Feed, WorldIngest
from adapters.hl7v2.intake.reception import Reading, Reception
from benchmarks.adt_feed import message
from fhirserver.app.collecting import spare_what_stays
from fhirserver.model.validation import validate
from fhirserver.storage.sqlite.storage import SqliteStorage
from fhirserver.store.state import Policies
from fhirserver.store.store import Store
from fhirserver.world.sources import Source
from tests.hl7_feed import code_of

EHR = Source("ehr", "ehr", authoritative=True)
SYSTEM = Source("credence", "system", authoritative=True)
LOT = 400


async def feed(reception: Reception, lane: int, lanes: int, numbers: Sequence[int], patients: int) -> None:
    for number in numbers:
        if number % patients % lanes == lane:
            raw = message(number % patients, number // patients, f"B{number}")
            (answer,) = await reception.receive(raw)
            if not code_of(answer).startswith("AA"):
                raise SystemExit(f"not taken in: {code_of(answer)}")


async def measured(folder: Path, count: int, patients: int, lanes: int, profile: str) -> list[float]:
    """Milliseconds a message of each lot."""
    store = Store(SqliteStorage(folder / "log.sqlite"), Policies({EHR.id: EHR, SYSTEM.id: SYSTEM}, validate))
    await store.open()
    reception = Reception(Reading("lab", EHR.id), store, WorldIngest(store, Feed("lab", EHR.id)), Site())
    spare_what_stays()
    found: list[float] = []
    profiler = cProfile.Profile(time.process_time)
    for start in range(0, count, LOT):
        lot = range(start, min(start + LOT, count))
        if profile and start >= count // 10:
            profiler.enable()
        begun = time.process_time()
        await asyncio.gather(*(feed(reception, lane, lanes, lot, patients) for lane in range(lanes)))
        found.append((time.process_time() - begun) / len(lot) * 1000)
        profiler.disable()
    if profile:
        profiler.dump_stats(profile)
    await store.close()
    return found[max(1, len(found) // 10) :]


def main() -> int:
    env = os.environ
    count, patients, lanes = (
        int(env.get("COUNT") or 4000),
        int(env.get("PATIENTS") or 400),
        int(env.get("LANES") or 16),
    )
    with tempfile.TemporaryDirectory(prefix="credence-ingest-", dir=env.get("DATA") or None) as folder:
        lots = asyncio.run(measured(Path(folder), count, patients, lanes, env.get("PROFILE", "")))
    print(
        f"{statistics.median(lots):.2f} ms of processor time a message ({min(lots):.2f} to {max(lots):.2f})"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
