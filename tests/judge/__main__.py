"""``make judge-eval``: how good the judges are on the labelled transcripts. Exit 1 where one falls short.

The deterministic judge always; the language model too where ``CREDENCE_CONFIG`` names a configuration that asks one.
``--misses`` names what was judged otherwise than labelled; ``--held-out-misses`` also those that the rules must not be
tuned on.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from pathlib import Path

from adapters.openai.judge import OpenAiJudge
from fhirserver.app.settings import load_settings
from fhirserver.app.wiring import model_settings
from fhirserver.world.judge.agreement import RULES
from fhirserver.world.judge.deterministic import DeterministicJudge
from tests.judge.cases import Case, cases
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
    model = await _model_report(every)
    return 0 if both.total.good and (model is None or model.total.good) else 1


async def _model_report(every: list[Case]) -> Report | None:
    """The language model's report, where the configuration asks one."""
    if not os.environ.get("CREDENCE_CONFIG"):
        return None
    checks = load_settings(Path(os.environ["CREDENCE_CONFIG"])).verification
    if checks.agreement == RULES:
        return None
    async with contextlib.aclosing(OpenAiJudge(model_settings(checks))) as judge:
        report = await evaluate(judge, every)
    print(table(f"{judge.name} {checks.model}, all", report), end="\n\n")
    return report


if __name__ == "__main__":
    sys.exit(asyncio.run(_run(sys.argv[1:])))
