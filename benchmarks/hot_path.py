"""``python -m benchmarks.hot_path``: what each step of a write costs, in process and in microseconds.

The steps are those of every create: parse the JSON, validate it, decide the command, project the entity
(render the version with its meta, extract the index values), and, for comparison, the whole submit on a
storage. Beside them what only ``$validate`` does, all invariants, and what extraction rests on, the FHIRPath of
all search parameters.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.dataset import SEED, observation, people
from fhirserver.app.settings import Settings
from fhirserver.app.wiring import make_store
from fhirserver.kernel.ids import new_id
from fhirserver.kernel.instants import SystemClock, instant
from fhirserver.kernel.json import dumps, loads
from fhirserver.model.definitions import definitions
from fhirserver.model.fhirpath import Path as FhirPath
from fhirserver.model.fhirpath import compile_path
from fhirserver.model.validation import validate
from fhirserver.model.validation.invariants import broken_invariants
from fhirserver.ports.log import Statement
from fhirserver.search.index import extract
from fhirserver.store.commands import Command, Put
from fhirserver.store.decide import decide
from fhirserver.store.project import Projector
from fhirserver.store.state import Policies, State
from fhirserver.world.sources import Source

Json = dict[str, Any]
EHR = Source("ehr", "ehr", authoritative=True)
ROUNDS = 5
SECONDS = 0.2
"""How long one round of one step takes at least."""


def resources() -> dict[str, Json]:
    """What is measured with: a patient and an observation of the data set."""
    seen = {**observation(random.Random(SEED)), "subject": {"reference": "Patient/1"}}
    return {"Patient": people(1, 0)[0].patient, "Observation": seen}


def steps(resource: Json) -> dict[str, Callable[[], object]]:
    """Each step as a call without arguments."""
    wire = dumps(resource)
    policies = Policies({EHR.id: EHR}, validate)
    command = create(resource)
    recorded = instant(SystemClock().now())
    state = State(0, 0)
    entity = decide(state, command, policies, recorded).entities[0]
    projector = Projector(extract)
    paths = search_paths(resource["resourceType"])
    return {
        "parse": lambda: loads(wire),
        "encode": lambda: dumps(resource),
        "validate": lambda: validate(resource),
        "decide": lambda: decide(state, command, policies, recorded),
        "extract": lambda: extract(resource),
        "project": lambda: projector.change(None, entity),
        "invariants": lambda: broken_invariants(resource),
        "search parameters": lambda: [path(resource) for path in paths],
    }


def search_paths(type_name: str) -> list[FhirPath]:
    """The expressions of all search parameters of a type."""
    parameters = definitions().search_parameters(type_name).values()
    return [compile_path(p.expression, type_name) for p in parameters if p.expression]


def create(resource: Json) -> Command:
    """The command of a create."""
    return Command(Statement(EHR.id), (Put(resource["resourceType"], new_id(), resource, create=True),))


def microseconds(step: Callable[[], object]) -> float:
    """The median over some rounds of the mean processor time of a call."""
    step()
    costs = []
    for _ in range(ROUNDS):
        calls, started = 0, time.process_time()
        while (took := time.process_time() - started) < SECONDS:
            for _ in range(20):
                step()
            calls += 20
        costs.append(took / calls * 1e6)
    return statistics.median(costs)


async def submits(settings: Settings, resource: Json, lanes: int) -> float:
    """Microseconds per create when ``lanes`` callers submit at once: group commit shares the wait for the disk."""
    store = make_store(settings)
    await store.open()
    done = 0
    deadline = time.perf_counter() + SECONDS * ROUNDS

    async def lane() -> None:
        nonlocal done
        while time.perf_counter() < deadline:
            await store.submit(create(resource))
            done += 1

    started = time.perf_counter()
    await asyncio.gather(*(lane() for _ in range(lanes)))
    took = time.perf_counter() - started
    await store.close()
    return took / done * 1e6


def main() -> int:
    table = Table("step", *(f"{name} µs" for name in resources()))
    measured = {name: steps(resource) for name, resource in resources().items()}
    for step in next(iter(measured.values())):
        table.add_row(step, *(f"{microseconds(calls[step]):.1f}" for calls in measured.values()))
    for storage in ("memory", "sqlite"):
        for lanes in (1, 16):
            cells = [f"{_submit(storage, resource, lanes):.0f}" for resource in resources().values()]
            table.add_row(f"submit, {storage}, {lanes} at once", *cells)
    Console().print(table)
    return 0


def _submit(storage: str, resource: Json, lanes: int) -> float:
    with tempfile.TemporaryDirectory(prefix="credence-hot-path-") as folder:
        settings = replace(
            Settings(), storage=storage, path=Path(folder) / "credence.db", sources={EHR.id: EHR}
        )
        return asyncio.run(submits(settings, resource, lanes))


if __name__ == "__main__":
    sys.exit(main())
