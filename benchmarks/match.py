"""``python -m benchmarks.match``: how long ``Patient/$match`` takes among many patients.

A server is started with fresh data and filled with made people (:mod:`benchmarks.made_people`). Then records of them
are looked for: as they are without their number, and distorted with up to four changes. The former must come first.

``PATIENTS``
    how many (100000)
``SECONDS``
    how long is measured (20)
``CONNECTIONS``
    numbers of connections with a comma between (1,4)
``WORKERS``, ``DATA``
    as for ``python -m benchmarks``

Exit code 1 where an answer was wrong or the 99th percentile at one connection is above 50 ms.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.load import LoadFailed
from benchmarks.made_people import SSN, Maker
from benchmarks.measure import Figures, measure
from benchmarks.operations import Operation, WrongAnswer
from benchmarks.server import Target, started
from benchmarks.wire import Address, Request, drive
from fhirserver.kernel.json import dumps, loads
from tests.server_process import ServerFailed

Json = dict[str, Any]
SEED = 2026
QUESTIONS = 400
BUNDLE = 100
ALLOWED_MS = 50.0


async def fill(address: Address, people: list[Json]) -> None:
    """Load everybody, by transactions."""
    starts = iter(range(0, len(people), BUNDLE))

    def following() -> Request | None:
        start = next(starts, None)
        if start is None:
            return None
        entry = [
            {"resource": {**one, "id": f"p{n}"}, "request": {"method": "PUT", "url": f"Patient/p{n}"}}
            for n, one in enumerate(people[start : start + BUNDLE], start)
        ]
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entry}
        return Request(address.request("POST", "", dumps(bundle)), 0, 200)

    tally = await drive(address, 2, following)
    if tally.wrong or tally.broken:
        raise LoadFailed(f"loading failed: {tally.wrong} {tally.sample.decode(errors='replace')}")


def questions(address: Address, maker: Maker, people: list[Json]) -> Operation:
    """Records of people spread over all: every other one as it is, without its number."""
    chosen = maker.chance.sample(range(len(people)), min(QUESTIONS, len(people)))
    asked = [
        maker.distorted(people[n])
        if key % 2
        else {**people[n], "identifier": [{"system": SSN, "value": f"x{key}"}]}
        for key, n in enumerate(chosen)
    ]
    wires = [
        Request(address.request("POST", "Patient/$match", dumps(one)), key, 200)
        for key, one in enumerate(asked)
    ]

    def check(key: int, body: bytes) -> None:
        found = [entry["resource"]["id"] for entry in loads(body).get("entry", ())]
        if key % 2 == 0 and f"p{chosen[key]}" not in found[:1]:
            raise WrongAnswer(f"patient {chosen[key]} was not found first among {len(found)}")

    return Operation("match", itertools.cycle(wires), check)


async def measured(target: Target, patients: int, seconds: float, connections: list[int]) -> list[Figures]:
    """The figures at each number of connections."""
    maker = Maker(SEED)
    people = list(maker.people(patients))
    await fill(target.address, people)
    operation = questions(target.address, maker, people)
    return [await measure(target, operation, one, seconds, seconds / 4) for one in connections]


def main() -> int:
    env, console = os.environ, Console(width=None if sys.stdout.isatty() else 110)
    patients, seconds = int(env.get("PATIENTS") or 100_000), float(env.get("SECONDS") or 20)
    connections = [int(one) for one in (env.get("CONNECTIONS") or "1,4").split(",")]
    try:
        with started(env.get("DATA", ""), int(env.get("WORKERS") or 0)) as target:
            figures = asyncio.run(measured(target, patients, seconds, connections))
    except (LoadFailed, ServerFailed, OSError, ValueError) as error:
        console.print(f"benchmarks: {error}", markup=False)
        return 1
    table = Table(f"$match among {patients:,}", "answers/s", "p50 ms", "p99 ms", "CPU ms")
    for number, one in zip(connections, figures, strict=True):
        cells = [f"{one.percentile_ms(share):.1f}" for share in (0.5, 0.99)]
        table.add_row(
            f"{number} connections", f"{one.rate:.0f}", *cells, one.error or f"{one.cpu_ms or 0:.1f}"
        )
    console.print(table)
    return int(any(one.error for one in figures) or figures[0].percentile_ms(0.99) > ALLOWED_MS)


if __name__ == "__main__":
    sys.exit(main())
