"""Why a unit has the value it has: the rule of survivorship that decided, and the rulings behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from fhirserver.world.decision import Decision
from fhirserver.world.ledger import Ledger
from fhirserver.world.survivorship import Claim, Win, claims_on

NOTHING: Final = "none"
RULES: Final = {
    NOTHING: "Nothing holds: no claim is live",
    "only": "Nobody else speaks of it",
    "agreement": "All who speak of it say the same",
    "approval": "A reviewer approved it against what it contradicts",
    "supersession": "It was stated over what it contradicts: a correction, or an act",
    "rejection": "Everything else was rejected",
    "confidence": "It is surer than anything that contradicts it",
    "later": "It is as sure as what contradicts it, and holds since later",
    "source-order": "It is as sure and as late as what contradicts it; the order of source ids decides",
}
"""The rules by code."""
_BY_RANK: Final = ("confidence", "later", "source-order")


def rule_of(ledger: Ledger, win: Win | None) -> str:
    """The code of the rule by which a claim won its unit."""
    if win is None:
        return NOTHING
    live = [claim for claim in win.losing if claim.status == "live"]
    if live:
        best = max(live, key=lambda claim: claim.rank)
        pairs = zip(_BY_RANK, win.claim.rank, best.rank, strict=False)
        return next((rule for rule, mine, other in pairs if mine != other), _BY_RANK[-1])
    if not win.losing:
        return "agreement" if len(win.agreeing) > 1 else "only"
    over = [settled(ledger, claim) for claim in win.losing if claim.status == "superseded"]
    kinds = {decision.kind for decision in over if decision is not None}
    return "approval" if "approve" in kinds else "supersession" if over else "rejection"


def settled(ledger: Ledger, claim: Claim) -> Decision | None:
    """The decision by which a claim is rejected or superseded; None for a live one.

    The latest decision counts first, so it is the last of those without whose forerunners the claim is so already.
    """
    if claim.status == "live":
        return None
    made = _on(ledger, claim.unit)
    for first in reversed(range(len(made))):
        if _status(replace(ledger, decisions=tuple(made[first:])), claim) == claim.status:
            return made[first]
    return None


def rulings(ledger: Ledger, claim: Claim) -> Sequence[Decision]:
    """What reviewers and judges said of a claim itself, the earliest first."""
    mine = (claim.source, claim.stamp.position)
    return [made for made in _on(ledger, claim.unit) if (made.source, made.claim) == mine]


def _on(ledger: Ledger, unit: str) -> list[Decision]:
    made = [decision for decision in ledger.decisions if decision.unit == unit]
    return sorted(made, key=lambda decision: (decision.at, decision.position))


def _status(ledger: Ledger, claim: Claim) -> str:
    mine = (claim.source, claim.stamp.position)
    found = (one for one in claims_on(ledger, claim.unit) if (one.source, one.stamp.position) == mine)
    return next((one.status for one in found), "")
