"""``make judge-eval``: how good the judges are on the labelled transcripts. Exit 1 where one falls short.

The deterministic judge always; the LLM judge too where ``CREDENCE_CONFIG`` names a configuration with one. ``--misses`` names
what was judged otherwise than labelled; ``--held-out-misses`` also those that the rules must not be tuned on.
"""

from __future__ import annotations

import asyncio
import sys

from fhirserver.world.judge.deterministic import DeterministicJudge
from tests.judge.cases import cases
from tests.judge.evaluation import Report, evaluate, table


def _misses(report: Report, held_out: bool) -> None:
    for miss in report.misses:
        if miss.case.held_out is held_out:
            label = "stated" if miss.fact.stated else "NOT STATED"
            print(
                f"  {miss.case.file}: {miss.case.name}: {miss.fact.kind} {miss.fact.value} ({label}): ",
                end="",
            )
            print(f"{miss.verdict.finding.value}: {miss.verdict.reasoning}")


async def _run(arguments: list[str]) -> int:
    every = list(cases())
    judge = DeterministicJudge()
    tuned = await evaluate(judge, [case for case in every if not case.held_out])
    held = await evaluate(judge, [case for case in every if case.held_out])
    both = await evaluate(judge, every)
    for title, report in (("Tuned on", tuned), ("Held out", held), ("All", both)):
        print(table(f"{judge.name}, {title.lower()}", report), end="\n\n")
    if "--misses" in arguments:
        _misses(tuned, False)
    if "--held-out-misses" in arguments:
        _misses(held, True)
    return 0 if both.total.good else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(_run(sys.argv[1:])))
