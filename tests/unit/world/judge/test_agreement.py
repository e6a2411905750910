"""What counts of two verdicts: every combination, and the law that a model never lifts a contradiction."""

from __future__ import annotations

import itertools

import pytest

from fhirserver.ports.judge import Finding, Quote, Verdict
from fhirserver.world.judge.agreement import MODES, agreed, alone, waits_for_second, wants_second

V, C, D = Finding.VERIFIED, Finding.CONTRADICTED, Finding.DOUBTFUL


def verdict(finding: Finding, reason: str = "r") -> Verdict:
    return Verdict(finding, 0.8, reason, (Quote(1, "caller", reason),))


@pytest.mark.parametrize(("mode", "asked"), [("rules", []), ("doubtful", [D]), ("both", [V])])
def test_when_the_second_is_asked(mode: str, asked: list[Finding]) -> None:
    assert [f for f in (V, C, D) if wants_second(mode, verdict(f))] == asked
    assert [f for f in (V, C, D) if waits_for_second(mode, verdict(f))] == ([V] if mode == "both" else [])


@pytest.mark.parametrize(
    ("mode", "first", "second", "counts"),
    [
        ("doubtful", D, V, V), ("doubtful", D, D, D), ("doubtful", D, C, C),
        ("both", V, V, V), ("both", V, D, D), ("both", V, C, C),
    ],
)  # fmt: skip
def test_what_counts(mode: str, first: Finding, second: Finding, counts: Finding) -> None:
    both = agreed(mode, verdict(first, "one"), verdict(second, "two"))
    assert both.finding is counts
    assert "one" in both.reasoning
    assert "two" in both.reasoning
    assert len(both.quotes) == 2


def test_a_model_never_lifts_a_contradiction() -> None:
    for mode, second in itertools.product(MODES, (V, C, D)):
        assert agreed(mode, verdict(C), verdict(second)).finding is C
        assert not wants_second(mode, verdict(C))


def test_without_an_answer_nothing_is_verified() -> None:
    assert [alone(verdict(f), "it is out").finding for f in (V, C, D)] == [D, C, D]
