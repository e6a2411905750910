"""Precision and recall of a judge's "verified" over the labelled transcripts, by kind of value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from fhirserver.ports.judge import Finding, Judge, Verdict
from tests.judge.cases import Case, Fact

LEAST_PRECISION, LEAST_RECALL = 0.99, 0.85


@dataclass(slots=True)
class Score:
    """How often "verified" was right, wrong, and missing."""

    right: int = 0
    wrong: int = 0
    missed: int = 0

    @property
    def precision(self) -> float:
        said = self.right + self.wrong
        return self.right / said if said else 1.0

    @property
    def recall(self) -> float:
        stated = self.right + self.missed
        return self.right / stated if stated else 1.0

    @property
    def good(self) -> bool:
        return self.precision >= LEAST_PRECISION and self.recall >= LEAST_RECALL


@dataclass(frozen=True, slots=True)
class Miss:
    """A fact on which the judge and the label do not agree."""

    case: Case
    fact: Fact
    verdict: Verdict


@dataclass(slots=True)
class Report:
    """Scores by kind, the total, and every miss."""

    kinds: dict[str, Score] = field(default_factory=dict)
    total: Score = field(default_factory=Score)
    misses: list[Miss] = field(default_factory=list)
    cases: int = 0

    def add(self, case: Case, fact: Fact, verdict: Verdict) -> None:
        """Count one verdict."""
        verified = verdict.finding is Finding.VERIFIED
        for score in (self.kinds.setdefault(fact.kind, Score()), self.total):
            score.right += verified and fact.stated
            score.wrong += verified and not fact.stated
            score.missed += fact.stated and not verified
        if verified is not fact.stated:
            self.misses.append(Miss(case, fact, verdict))


async def evaluate(judge: Judge, cases: Iterable[Case]) -> Report:
    """Every fact of every case, judged."""
    report = Report()
    for case in cases:
        verdicts: Sequence[Verdict] = await judge.judge([fact.claim for fact in case.facts], case.evidence)
        report.cases += 1
        for fact, verdict in zip(case.facts, verdicts, strict=True):
            report.add(case, fact, verdict)
    return report


def table(title: str, report: Report) -> str:
    """The report as a table in Markdown."""
    rows = [
        f"{title}: {report.cases} calls",
        "",
        "| kind | stated | not stated | precision | recall |",
        "|---|---|---|---|---|",
    ]
    labelled = dict(sorted(report.kinds.items())) | {"all": report.total}
    for kind, score in labelled.items():
        rows.append(
            f"| {kind} | {score.right} of {score.right + score.missed} verified | {score.wrong} wrongly verified | "
            f"{score.precision:.3f} | {score.recall:.3f} |"
        )
    return "\n".join(rows)
