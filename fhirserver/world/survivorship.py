"""Which claim wins a unit: a pure function of the ledger.

In this order: not rejected → explicit supersession → higher confidence → later effective time → the order of
source ids, never of arrival. See ``docs/world-model.md``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from fhirserver.kernel.frozen import frozen
from fhirserver.kernel.json import Json
from fhirserver.world.decision import Decision
from fhirserver.world.ledger import Ledger
from fhirserver.world.units import Units, same
from fhirserver.world.view import Stamp, View
from fhirserver.world.vocabulary import APPROVED, VERIFIED
from fhirserver.world.voices import origin_of, speaker

ABSENT: Json = None
"""The value of a claim that the unit has no value."""
OF_THE_RECORD = frozenset({"meta", "text", "active", "status", "link"})
"""Units that say something of a record, not of what it is about: those of merged records are not heard."""


@frozen
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

    @property
    def speaker(self) -> str:
        """The source itself, whatever record it speaks of."""
        return speaker(self.source)

    @property
    def origin(self) -> str:
        """The merged record that the claim was made about; empty for the resource itself."""
        return origin_of(self.source)


@frozen
class Win:
    """The outcome for one unit: the winning claim, all claims that say the same, and the others."""

    claim: Claim
    confidence: Decimal
    agreeing: tuple[Claim, ...]
    losing: tuple[Claim, ...]


@frozen
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
        for view in _heard(ledger, unit)
        if view.deleted is None and (stamp := view.stamp(unit)) is not None
    ]
    decisions = _in_order(standing([decision for decision in ledger.decisions if decision.unit == unit]))
    dead = _dead(decisions, {view.source: view.units.get(unit, ABSENT) for view, _ in made})
    return [_claim(view, unit, stamp, decisions, dead) for view, stamp in made]


def standing(decisions: list[Decision]) -> list[Decision]:
    """The decisions on one unit that nobody took back."""
    undone = {(made.source, made.claim, made.undoes) for made in decisions if made.kind == "undo"}
    if not undone:
        return decisions
    return [
        made
        for made in decisions
        if made.kind != "undo" and (made.source, made.claim, made.position) not in undone
    ]


def _heard(ledger: Ledger, unit: str) -> Sequence[View]:
    """The views that count: of merged records not what concerns the record alone, nor anything once it is gone."""
    if not ledger.merged:
        return ledger.views
    if unit in OF_THE_RECORD:
        return [view for view in ledger.views if not origin_of(view.source)]
    return [view for record in _records(ledger.views) if not _is_gone(record) for view in record]


def _records(views: Sequence[View]) -> Iterable[Sequence[View]]:
    """The views of each record: of the resource itself, and of each that was merged into it."""
    found: dict[str, list[View]] = {}
    for view in views:
        found.setdefault(origin_of(view.source), []).append(view)
    return found.values()


def _in_order(decisions: list[Decision]) -> list[Decision]:
    return sorted(decisions, key=lambda made: (made.at, made.position)) if len(decisions) > 1 else decisions


def _dead(decisions: Sequence[Decision], says: Mapping[str, Json]) -> dict[tuple[str, int], str]:
    """Rejected and superseded claims. The latest decision counts first; a dead claim supersedes nothing.

    What was superseded stays so when the one who superseded it says something else, but not when it comes
    round to the very same value, and not when it falls silent. ``says`` is what each source says now.
    """
    dead: dict[tuple[str, int], str] = {}
    settled: set[tuple[str, int]] = set()
    for decision in reversed(decisions):
        claim = (decision.source, decision.claim)
        if decision.kind == "reject" and claim not in settled:
            dead.setdefault(claim, "rejected")
        elif decision.kind in ("approve", "supersede") and decision.source in says and claim not in dead:
            settled.add(claim)
            for other in decision.against:
                if other not in settled and not _agree(says, decision.source, other[0]):
                    dead.setdefault(other, "superseded")
    return dead


def _agree(says: Mapping[str, Json], one: str, other: str) -> bool:
    return other in says and one != other and same(says[one], says[other])


def _claim(
    view: View, unit: str, stamp: Stamp, decisions: Iterable[Decision], dead: dict[tuple[str, int], str]
) -> Claim:
    own = [made for made in decisions if (made.source, made.claim) == (view.source, stamp.position)]
    confidence, checked = weigh(stamp.confidence, own) if own else (stamp.confidence, "")
    status = dead.get((view.source, stamp.position), "live")
    if status == "rejected":
        confidence = Decimal("0.0")
    return Claim(view.source, unit, view.units.get(unit, ABSENT), stamp, confidence, status, checked)


_LIFTS = {"verify": VERIFIED, "approve": APPROVED}


def weigh(stated: Decimal, decisions: Sequence[Decision]) -> tuple[Decimal, str]:
    """The confidence of a claim after what was decided about it, in order, and what it was last found to be.

    The latest cap bounds what the source's own word counts for. Age takes away from all confidence, until the
    claim is renewed, verified or approved.
    """
    sure = min(stated, _cap(decisions) or stated)
    confidence, checked = sure, ""
    for made in decisions:
        if made.kind in _LIFTS:
            floor, checked = made.confidence or _LIFTS[made.kind], made.kind
            sure, confidence = max(sure, floor), max(confidence, floor)
        elif made.kind == "doubt":
            checked = "doubt"
        elif made.kind == "decay":
            confidence = min(confidence, made.confidence or confidence)
        elif made.kind == "renew":
            confidence = sure
    return confidence, checked


def _cap(decisions: Sequence[Decision]) -> Decimal | None:
    return next((made.confidence for made in reversed(decisions) if made.kind == "cap"), None)


def contend(claims: Sequence[Claim]) -> Win | None:
    """The winner among a unit's claims; None where no claim is live."""
    live = [claim for claim in claims if claim.status == "live"]
    if not live:
        return None
    winner = max(_present(live), key=lambda claim: claim.rank)
    agreeing = tuple(claim for claim in live if same(claim.value, winner.value))
    losing = tuple(claim for claim in claims if claim not in agreeing)
    return Win(winner, max(claim.confidence for claim in agreeing), agreeing, losing)


def _present(live: Sequence[Claim]) -> Sequence[Claim]:
    """The claims that contend. Absence is said of one record: it takes out what others say of that one alone."""
    records: dict[str, Claim] = {}
    for claim in live:
        before = records.get(claim.origin)
        records[claim.origin] = claim if before is None else max(before, claim, key=lambda one: one.rank)
    if len(records) == 1:
        return live
    absent = {origin for origin, claim in records.items() if claim.value is ABSENT}
    return [claim for claim in live if claim.origin not in absent] or live


def resolve(ledger: Ledger) -> World:
    """The world as the ledger has it."""
    if ledger.uncontested:
        return _uncontested(ledger.views[0])
    won = wins(ledger)
    present = {unit: win for unit, win in won.items() if win.claim.value is not ABSENT}
    units = {unit: win.claim.value for unit, win in present.items()}
    top = max((win.confidence for win in present.values()), default=Decimal(0))
    lower = {unit: win.confidence for unit, win in present.items() if win.confidence < top}
    return World(units, top, lower, _is_deleted(ledger, units), _speakers(ledger, present.values()))


def _speakers(ledger: Ledger, won: Iterable[Win]) -> tuple[str, ...]:
    """Who is behind the winning values: the surest first, then who is behind most of them."""
    sure: dict[str, Decimal] = {}
    count: dict[str, int] = {}
    for claim in (claim for win in won for claim in win.agreeing):
        sure[claim.speaker] = max(claim.confidence, sure.get(claim.speaker, claim.confidence))
        count[claim.speaker] = count.get(claim.speaker, 0) + 1
    speakers = sorted(sure, key=lambda source: (-sure[source], -count[source], source))
    return tuple(speakers) or tuple(dict.fromkeys(speaker(view.source) for view in _by_weight(ledger)))


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


def _is_deleted(ledger: Ledger, units: Units) -> bool:
    """Existence is a claim too: the surest, then latest, source decides whether the resource is.

    A resource of which nothing is left, all its claims being rejected or withdrawn, is not either.
    """
    there = [view for view in ledger.views if view.deleted is None]
    empty = any(view.full is not None and not view.units.keys() - {"meta"} for view in there)
    if not units.keys() - {"meta"} and not empty:
        return True
    return all(map(_is_gone, _records(ledger.views)))


def _is_gone(record: Sequence[View]) -> bool:
    """Whether those who say that a record is no more are surer, then later, than those who speak of it."""
    there = [view for view in record if view.deleted is None]
    gone = [
        (view.stamps[view.deleted].confidence, view.stamps[view.deleted].since, view.source)
        for view in record
        if view.deleted is not None
    ]
    said = [(stamp.confidence, stamp.since, view.source) for view in there for stamp in view.stamps]
    return bool(gone) and (not said or max(gone) > max(said))
