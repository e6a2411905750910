"""Send the cases to a server and keep what went wrong."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

from fhirserver.kernel.json import JsonObject, dumps
from tests.fuzz.bodies import body_case
from tests.fuzz.case import Case
from tests.fuzz.deeper import Asker, disagreeing, lost
from tests.fuzz.judge import problems
from tests.fuzz.queries import query_case
from tests.fuzz.seeds import seeds
from tests.fuzz.wire import Answer, NoAnswer, Wire

SLOW_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Failure:
    """What was wrong, and the request."""

    case: Case
    problem: str


@dataclass(slots=True)
class Report:
    """What came out of a run."""

    statuses: Counter[int] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)
    slowest: list[tuple[float, Case]] = field(default_factory=list)

    def note(self, case: Case, answer: Answer) -> None:
        self.statuses[answer.status] += 1
        self.slowest = sorted([*self.slowest, (answer.seconds, case)], key=lambda one: -one[0])[:5]
        self.failures += [Failure(case, problem) for problem in problems(case, answer)]


@dataclass(frozen=True, slots=True)
class Target:
    """The server under test. ``base`` is its FHIR base; an answer may take ``seconds``."""

    base: str
    tokens: dict[str, str]
    seconds: float = 10.0

    def wire(self) -> Wire:
        parts = urlsplit(self.base)
        return Wire(parts.hostname or "", parts.port or 80, self.seconds)

    async def send(self, wire: Wire, case: Case) -> Answer:
        headers = [("authorization", f"Bearer {self.tokens[case.principal]}"), *case.headers.items()]
        return await wire.ask(case.method, urlsplit(self.base).path + case.target, headers, case.body)


def make_case(seed: int, number: int) -> Case:
    """The case of a number: even ones have bodies, odd ones are queries."""
    rng = Random(f"{seed}/{number}")
    made = body_case(rng) if number % 2 == 0 else query_case(rng)
    made.number = number
    return made


async def load(target: Target) -> int:
    """State the seeds that have an id, so that there is something to find; how many the server took."""
    wire, taken = target.wire(), 0
    for one in seeds().resources:
        if "id" in one and one["resourceType"] != "Bundle":
            body = dumps(one)
            case = Case(
                "seed",
                "PUT",
                f"/{one['resourceType']}/{one['id']}",
                {"content-type": "application/fhir+json"},
                body,
            )
            taken += (await target.send(wire, case)).status in (200, 201)
    wire.close()
    return taken


async def fuzz(
    target: Target,
    numbers: Iterable[int],
    seed: int,
    connections: int = 4,
    each: Callable[[Report], None] = lambda report: None,
) -> Report:
    """Send the cases of the given numbers over several connections."""
    report, remaining = Report(), iter(numbers)

    async def work() -> None:
        wire = target.wire()
        for number in remaining:
            await _one(target, wire, make_case(seed, number), report)
            each(report)
        wire.close()

    await asyncio.gather(*(work() for _ in range(connections)))
    return report


async def _one(target: Target, wire: Wire, case: Case, report: Report) -> None:
    try:
        answer = await target.send(wire, case)
    except NoAnswer as error:
        report.failures.append(Failure(case, str(error)))
        return
    report.note(case, answer)
    report.failures += [Failure(case, problem) for problem in await _deeper(target, wire, case, answer)]


async def _deeper(target: Target, wire: Wire, case: Case, answer: Answer) -> list[str]:
    """What is wrong between this answer and others."""
    asker = Asker(lambda asked: target.send(wire, asked), case.principal)
    try:
        if case.kind == "create" and answer.status == 201:
            return await lost(asker, case, answer, urlsplit(target.base).path)
        if case.kind == "search" and answer.status == 200:
            return await disagreeing(asker, case.target)
    except NoAnswer as error:
        return [f"asked again: {error}"]
    return []


def write_failures(report: Report, target: Target, folder: Path) -> list[str]:
    """A line per failure, and the curl line that shows it again."""
    lines = []
    for failure in sorted(report.failures, key=lambda one: one.case.number):
        lines.append(f"case {failure.case.number} ({failure.case.kind}): {failure.problem}")
        lines.append("  " + failure.case.curl(target.base, folder))
    return lines


def summary(report: Report) -> JsonObject:
    """Counts by status, and the slowest."""
    return {
        "requests": sum(report.statuses.values()),
        "statuses": {str(status): count for status, count in sorted(report.statuses.items())},
        "failures": len(report.failures),
        "slowest": [
            {
                "seconds": round(seconds, 3),
                "case": case.number,
                "kind": case.kind,
                "target": case.target[:100],
            }
            for seconds, case in report.slowest
        ],
    }
