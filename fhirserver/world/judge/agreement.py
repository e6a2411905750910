"""Two judges: when the second is asked, and what counts where they do not agree. Pure.

The rules are asked always. A language model may be asked too:

``rules``: never. ``doubtful``: where the rules are doubtful. ``both``: where the rules verify, which then counts only
if the model agrees. Never does a model lift what the rules found contradicted.
"""

from __future__ import annotations

from fhirserver.ports.judge import Finding, Verdict

RULES, DOUBTFUL, BOTH = "rules", "doubtful", "both"
MODES = (RULES, DOUBTFUL, BOTH)


def wants_second(mode: str, first: Verdict) -> bool:
    """Whether the second judge is asked about what the first one found."""
    asked = {RULES: None, DOUBTFUL: Finding.DOUBTFUL, BOTH: Finding.VERIFIED}[mode]
    return first.finding is asked


def waits_for_second(mode: str, first: Verdict) -> bool:
    """Whether nothing may be decided before the second judge has answered."""
    return mode == BOTH and first.finding is Finding.VERIFIED


def agreed(mode: str, first: Verdict, second: Verdict) -> Verdict:
    """What counts of two verdicts on one claim, with the reasons of both."""
    quotes = tuple(dict.fromkeys((*first.quotes, *second.quotes)))
    reasoning = f"Rules: {first.reasoning} Model: {second.reasoning}"
    return Verdict(
        _finding(mode, first.finding, second.finding),
        min(first.confidence, second.confidence),
        reasoning,
        quotes,
    )


def _finding(mode: str, first: Finding, second: Finding) -> Finding:
    if Finding.CONTRADICTED in (first, second):
        return Finding.CONTRADICTED
    if mode == DOUBTFUL and first is Finding.DOUBTFUL:
        return second
    return Finding.VERIFIED if first is second is Finding.VERIFIED else Finding.DOUBTFUL


def alone(first: Verdict, why: str) -> Verdict:
    """What counts where the second judge was wanted and did not answer: never more than doubtful."""
    finding = Finding.CONTRADICTED if first.finding is Finding.CONTRADICTED else Finding.DOUBTFUL
    return Verdict(
        finding,
        first.confidence,
        f"Rules: {first.reasoning} The second judge did not answer: {why}.",
        first.quotes,
    )
