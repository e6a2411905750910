"""Which claim wins a unit: a pure function of the ledger.

In this order: not rejected → explicit supersession → higher confidence → later effective time → the order of
source ids, never of arrival. See ``docs/world-model.md``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from fhirserver.kernel.json import Json
from fhirserver.world.ledger import Decision, Ledger, Stamp, View
from fhirserver.world.units import Units, same
from fhirserver.world.vocabulary import APPROVED, VERIFIED

ABSENT: Json = None
"""The value of a claim that the unit has no value."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What one source says about one unit. ``value`` is :data:`ABSENT` for stated absence.

    ``confidence`` counts the decisions made about the claim; ``status`` is ``live``, ``rejected`` or
    ``superseded``; ``checked`` says what a judge or reviewer found (``verify``, ``doubt``, ``approve``).
    """

    source: str
    unit: str
    value: Json
    stamp: Stamp
    confidence: Decimal
    status: str = "live"
    checked: str = ""

    @property
    def rank(self) -> tuple[Decimal, str, str]:
        """The highest wins."""
        return (self.confidence, self.stamp.since, self.source)


@dataclass(frozen=True, slots=True)
class Win:
    """The outcome for one unit: the winning claim, all claims that say the same, and the others."""

    claim: Claim
    confidence: Decimal
    agreeing: tuple[Claim, ...]
    losing: tuple[Claim, ...]


@dataclass(frozen=True, slots=True)
class World:
    """The outcome for a resource.

    ``units`` are the winning values; ``confidence`` that of the surest unit; ``lower`` the confidence of each
    unit that is trusted less than that; ``sources`` those who speak, the surest first.
    """

    units: Units
    confidence: Decimal
    lower: dict[str, Decimal]
    deleted: bool
    sources: tuple[str, ...]


def claims_on(ledger: Ledger, unit: str) -> list[Claim]:
    """Every source's claim on a unit, judged by the decisions made about them."""
    made = [
        (view, stamp)
        for view in ledger.views
        if view.deleted is None and (stamp := view.stamp(unit)) is not None
    ]
    decisions = [decision for decision in ledger.decisions if decision.unit == unit]
    dead = _dead(decisions, {(view.source, stamp.position) for view, stamp in made})
    return [_claim(view, unit, stamp, decisions, dead) for view, stamp in made]


def _dead(decisions: Sequence[Decision], alive: set[tuple[str, int]]) -> dict[tuple[str, int], str]:
    """Rejected and superseded claims. The latest decision counts first; a dead claim supersedes nothing."""
    dead: dict[tuple[str, int], str] = {}
    settled: set[tuple[str, int]] = set()
    for decision in sorted(decisions, key=lambda made: (made.at, made.position), reverse=True):
        claim = (decision.source, decision.claim)
        if decision.kind == "reject" and claim not in settled:
            dead[claim] = "rejected"
        elif decision.kind in ("approve", "supersede") and claim in alive and claim not in dead:
            settled.add(claim)
            dead.update(
                (other, "superseded") for other in decision.against if other != claim and other not in dead
            )
    return dead


def _claim(
    view: View, unit: str, stamp: Stamp, decisions: Iterable[Decision], dead: dict[tuple[str, int], str]
) -> Claim:
    confidence, checked = stamp.confidence, ""
    for decision in sorted(decisions, key=lambda made: (made.at, made.position)):
        if (decision.source, decision.claim) != (view.source, stamp.position):
            continue
        if decision.kind == "verify":
            confidence, checked = max(confidence, decision.confidence or VERIFIED), "verify"
        elif decision.kind == "approve":
            confidence, checked = max(confidence, decision.confidence or APPROVED), "approve"
        elif decision.kind == "doubt":
            checked = "doubt"
    status = dead.get((view.source, stamp.position), "live")
    if status == "rejected":
        confidence = Decimal("0.0")
    return Claim(view.source, unit, view.units.get(unit, ABSENT), stamp, confidence, status, checked)


def contend(claims: Sequence[Claim]) -> Win | None:
    """The winner among a unit's claims; None where no claim is live."""
    live = [claim for claim in claims if claim.status == "live"]
    if not live:
        return None
    winner = max(live, key=lambda claim: claim.rank)
    agreeing = tuple(claim for claim in live if same(claim.value, winner.value))
    losing = tuple(claim for claim in claims if claim not in agreeing)
    return Win(winner, max(claim.confidence for claim in agreeing), agreeing, losing)


def resolve(ledger: Ledger) -> World:
    """The world as the ledger has it."""
    if ledger.uncontested:
        return _uncontested(ledger.views[0])
    won = wins(ledger)
    present = {unit: win for unit, win in won.items() if win.claim.value is not ABSENT}
    units = {unit: win.claim.value for unit, win in present.items()}
    top = max((win.confidence for win in present.values()), default=Decimal(0))
    lower = {unit: win.confidence for unit, win in present.items() if win.confidence < top}
    sources = tuple(view.source for view in _by_weight(ledger))
    return World(units, top, lower, _is_deleted(ledger) or not units, sources)


def wins(ledger: Ledger) -> dict[str, Win]:
    """The outcome of every unit that was ever claimed, also of those that end absent."""
    return {unit: win for unit in _units_in_order(ledger) if (win := contend(claims_on(ledger, unit)))}


def _uncontested(view: View) -> World:
    deleted = view.deleted is not None
    if len(view.stamps) == 1:
        return World(view.units, view.stamps[0].confidence, {}, deleted, (view.source,))
    sure = {unit: view.stamps[view.at.get(unit, view.base)].confidence for unit in view.units}
    top = max(sure.values(), default=view.stamps[view.base].confidence)
    lower = {unit: confidence for unit, confidence in sure.items() if confidence < top}
    return World(view.units, top, lower, deleted, (view.source,))


def _weight(view: View) -> Decimal:
    return max(stamp.confidence for stamp in view.stamps)


def _by_weight(ledger: Ledger) -> list[View]:
    return sorted(ledger.views, key=lambda view: (-_weight(view), view.source))


def _units_in_order(ledger: Ledger) -> list[str]:
    """The order of the surest source, then what the others add: never the order of arrival."""
    order: dict[str, None] = {}
    for view in _by_weight(ledger):
        order.update(dict.fromkeys(view.stated()))
    return list(order)


def _is_deleted(ledger: Ledger) -> bool:
    """Existence is a claim too: the surest, then latest, source decides whether the resource is."""
    gone = [
        (view.stamps[view.deleted].confidence, view.stamps[view.deleted].since, view.source)
        for view in ledger.views
        if view.deleted is not None
    ]
    if not gone:
        return False
    there = [
        (stamp.confidence, stamp.since, view.source)
        for view in ledger.views
        if view.deleted is None
        for stamp in view.stamps
    ]
    return not there or max(gone) > max(there)
