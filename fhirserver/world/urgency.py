"""Why an item waits for an operator, and how soon somebody should look at it. Pure.

Priorities are those of https://hl7.org/fhir/R4/valueset-request-priority.html, in rising order.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from fhirserver.kernel.instants import instant, parse_instant

PRIORITIES = ("routine", "urgent", "asap", "stat")

REASONS = {
    "contradicted": "contradicted",
    "refused": "refused-by-sink",
    "disagreement": "disagreement",
    "doubtful": "doubtful",
    "expired": "expired-verification",
    "unverified": "unverified",
    "duplicate": "duplicate",
    "verified": "below-gate",
    "": "below-gate",
}
"""The reason code of a finding, the gravest first. What a judge verified waits because its gate is higher."""

_BY_REASON = {"contradicted": "urgent", "refused-by-sink": "urgent"}
_BEFORE_DUE = (
    (timedelta(hours=2), "stat"),
    (timedelta(hours=24), "asap"),
    (timedelta(hours=72), "urgent"),
)


def reasons(findings: Iterable[str]) -> list[str]:
    """The reason codes of an item's findings, each once, the gravest first."""
    found = {REASONS.get(finding, "below-gate") for finding in findings}
    return [code for code in dict.fromkeys(REASONS.values()) if code in found]


def priority(codes: Iterable[str], due: str = "", now: str = "") -> str:
    """The priority by reason and by how soon it matters: ``due`` and ``now`` are instants, or empty."""
    by_reason = [_BY_REASON.get(code, "routine") for code in codes]
    return max([*by_reason, _by_due(due, now)], key=PRIORITIES.index)


def _by_due(due: str, now: str) -> str:
    if not due or not now:
        return "routine"
    left = parse_instant(due) - parse_instant(now)
    return next((word for within, word in _BEFORE_DUE if left <= within), "routine")


def next_rise(due: str, now: datetime) -> str:
    """The next instant at which the time left raises the priority; empty where none is to come."""
    if not due:
        return ""
    steps = sorted(parse_instant(due) - within for within, _ in _BEFORE_DUE)
    return next((instant(at) for at in steps if at > now), "")
