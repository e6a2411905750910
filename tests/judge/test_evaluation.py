"""The labelled transcripts in ``make test``: all of them, with the bounds that ``make judge-eval`` holds."""

from __future__ import annotations

from collections import Counter

from fhirserver.ports.judge import Claim, Evidence, Finding, Verdict
from fhirserver.world.judge.deterministic import DeterministicJudge
from tests.judge.cases import cases
from tests.judge.evaluation import evaluate, table


async def test_the_rules_on_the_labelled_calls() -> None:
    report = await evaluate(DeterministicJudge(), cases())
    assert report.total.good, table("rules", report)
    assert all(score.precision >= 0.9 and score.recall >= 0.75 for score in report.kinds.values()), table(
        "rules", report
    )


def test_the_set_is_what_it_claims_to_be() -> None:
    every = list(cases())
    assert len(every) >= 150
    assert len({case.name for case in every}) == len(every)
    labels = Counter((fact.kind, fact.stated) for case in every for fact in case.facts)
    assert all(labels[kind, stated] >= 2 for kind, _ in labels for stated in (True, False)), labels


class Yes:
    """A judge that believes everything."""

    name = "yes"

    async def judge(self, claims: list[Claim], evidence: Evidence) -> list[Verdict]:
        return [Verdict(Finding.VERIFIED, 1.0, "Why not.")] * len(claims)


async def test_a_judge_that_believes_everything_fails() -> None:
    report = await evaluate(Yes(), cases())  # type: ignore[arg-type]
    assert report.total.recall == 1.0
    assert report.total.precision < 0.7
    assert not report.total.good
