"""``python -m benchmarks``: measure Credence, alone or in turn with another FHIR server, on the same data.

Settings come from the environment, as ``make bench NAME=value`` gives them:

``URL``, ``TOKEN``, ``PID``
    a server that runs already (its FHIR base); without it Credence is started on a free port with fresh data
``PEER``, ``PEER_TOKEN``, ``PEER_PID``, ``PEER_NAME``
    the FHIR base of the other server; without ``PEER_TOKEN`` and ``URL``, ``TOKEN`` is the other server's.
    With the pids, memory is measured too
``OUT``
    a file for the figures: a JSON list of ``{server, op, connections, rps, p50_ms, p99_ms, cpu_ms, rss_mb}``
``PATIENTS``, ``OBSERVATIONS``, ``CORPUS``
    how many patients (300), how many observations each of those that are generated has (20), and where
    ``synthea-10.tar.xz`` is
``SECONDS``, ``ROUNDS``, ``CONNECTIONS``, ``OPS``
    how long each measurement takes in all (4), in how many rounds in turn (1; 2 with a peer), the numbers of
    connections (1,16), and the operations, all of them by default
``WORKERS``
    how many processes serve; one per processor by default
``DATA``
    the folder for the data of the server that is started (a temporary one)

Where Credence is started here, what enforcement costs is measured first (:mod:`benchmarks.enforcement`).

Exit code 1 when a measurement of Credence itself failed or an answer of it was wrong.
"""

from __future__ import annotations

import asyncio
import os
import sys
from argparse import ArgumentParser, RawTextHelpFormatter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from benchmarks import enforcement, report
from benchmarks.dataset import people
from benchmarks.enforcement import Callers, Cost
from benchmarks.load import Loaded, LoadFailed, load
from benchmarks.measure import Figures, measure
from benchmarks.operations import Operation, operations
from benchmarks.server import Target, settled, started
from benchmarks.terminology_codes import terminology_operations
from benchmarks.wire import Address
from tests.server_process import ServerFailed

Key = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    patients: int
    observations: int
    archive: Path
    seconds: float
    rounds: int
    connections: tuple[int, ...]
    only: frozenset[str]


def plan() -> Plan:
    """The plan that the environment asks for."""
    env = os.environ
    return Plan(
        patients=int(env.get("PATIENTS") or 300),
        observations=int(env.get("OBSERVATIONS") or 20),
        archive=Path(env.get("CORPUS") or "../shared/corpus") / "synthea-10.tar.xz",
        seconds=float(env.get("SECONDS") or 4),
        rounds=int(env.get("ROUNDS") or (2 if env.get("PEER") else 1)),
        connections=tuple(int(one) for one in (env.get("CONNECTIONS") or "1,16").split(",")),
        only=frozenset(filter(None, (env.get("OPS") or "").split(","))),
    )


def targets(stack: ExitStack, callers: Callers) -> list[Target]:
    """Ours, and the peer where there is one. ``callers``: who else may ask the server that is started."""
    env = os.environ
    if env.get("URL"):
        address = Address.of(env["URL"], env.get("TOKEN", ""))
        ours = Target("credence", address, int(env.get("PID") or 0))
    else:
        ours = stack.enter_context(
            started(env.get("DATA", ""), int(env.get("WORKERS") or 0), callers.settings)
        )
    if not env.get("PEER"):
        return [ours]
    token = env.get("PEER_TOKEN") or ("" if env.get("URL") else env.get("TOKEN", ""))
    pid = int(env.get("PEER_PID") or 0)
    return [ours, Target(env.get("PEER_NAME") or "peer", Address.of(env["PEER"], token), pid)]


class Bench:
    """Measures every target in turn and adds the rounds up."""

    def __init__(self, plan: Plan, targets: list[Target], console: Console):
        self.plan = plan
        self.targets = targets
        self.console = console
        self.loaded: dict[str, Loaded] = {}
        self.operations: dict[str, list[Operation]] = {}
        self.figures: dict[Key, Figures] = {}
        self.memory: dict[Key, float | None] = {}

    async def load(self) -> None:
        data = people(self.plan.patients, self.plan.observations, self.plan.archive)
        seen = sum(len(person.observations) for person in data)
        for target in self.targets:
            self.console.print(f"Loading {len(data)} patients and {seen} observations into {target.name} …")
            loaded = self.loaded[target.name] = await load(target.address, data)
            chosen = operations(target.address, loaded)
            if len(self.targets) == 1:  # a peer need not have a terminology service
                chosen += terminology_operations(target.address)
            self.operations[target.name] = [one for one in chosen if self._wanted(one.name)]

    def _wanted(self, name: str) -> bool:
        return not self.plan.only or name in self.plan.only

    async def run(self) -> None:
        """Round by round; within a round each operation on each server, right after one another."""
        names = [operation.name for operation in self.operations[self.targets[0].name]]
        steps = self.plan.rounds * len(names) * len(self.plan.connections) * len(self.targets)
        columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
        # Drawing costs processor time that belongs to the server, so it is done between measurements only.
        with Progress(*columns, console=self.console, auto_refresh=False, transient=True) as progress:
            task = progress.add_task("measuring", total=steps)
            for _ in range(self.plan.rounds):
                for index, name in enumerate(names):
                    for connections in self.plan.connections:
                        for target in self.targets:
                            progress.update(
                                task, description=f"{target.name} {name} × {connections}", refresh=True
                            )
                            await self._one(target, index, connections)
                            progress.advance(task)

    async def _one(self, target: Target, index: int, connections: int) -> None:
        operation = self.operations[target.name][index]
        seconds = self.plan.seconds / self.plan.rounds
        figures = await measure(target, operation, connections, seconds, min(1.0, seconds / 4))
        key = (target.name, operation.name, connections)
        self.figures[key] = self.figures[key] + figures if key in self.figures else figures
        self.memory[key] = target.resident_mb()

    def rows(self) -> list[report.Row]:
        """The figures in the order of the operations, ours before the peer's."""
        return [report.Row(*key, figures, self.memory[key]) for key, figures in self.figures.items()]


async def bench(console: Console) -> int:
    callers, costs = Callers.fresh(), list[Cost]()
    with ExitStack() as stack:
        job = Bench(plan(), targets(stack, callers), console)
        await job.load()
        if not os.environ.get("URL") and not os.environ.get("PEER"):
            costs = await enforced(job, callers)
        await job.run()
        rows = job.rows()
    report.show(rows, console)
    if costs:
        enforcement.show(costs, console)
    if out := os.environ.get("OUT"):
        report.write(rows, out)
    failed = any(row.figures.error and row.server == "credence" for row in rows)
    return 1 if failed or any(cost.error for cost in costs) else 0


async def enforced(job: Bench, callers: Callers) -> list[Cost]:
    """What enforcement costs on the server that was started here."""
    ours = job.targets[0]
    alone = enforcement.one_patient(ours.address, job.plan.observations)
    await settled(ours)
    asked = enforcement.pairs(ours, callers, job.loaded[ours.name], alone)
    chosen = [pair for pair in asked if not job.plan.only or pair.operation.name in job.plan.only]
    return await enforcement.costs(ours, chosen, job.plan.seconds, job.console.print)


def main(arguments: Sequence[str] | None = None) -> int:
    """There are no arguments but ``--help``, which tells what is done and what the environment may say."""
    ArgumentParser(
        "python -m benchmarks", description=__doc__, formatter_class=RawTextHelpFormatter
    ).parse_args(arguments)
    try:
        import uvloop

        runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    except ImportError:  # Windows
        runner = asyncio.Runner()
    console = Console(width=None if sys.stdout.isatty() else 110)
    try:
        with runner:
            return runner.run(bench(console))
    except (LoadFailed, ServerFailed, OSError, ValueError) as error:
        console.print(f"benchmarks: {error}", markup=False)
        return 1


if __name__ == "__main__":
    sys.exit(main())
