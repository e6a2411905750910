"""Gates: which winning claims may leave for a sink, and which claims need somebody's decision. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

from fhirserver.world.entity import Entity
from fhirserver.world.policy import Policy
from fhirserver.world.survivorship import ABSENT, Claim, Win, claims_on, contend, wins
from fhirserver.world.units import Units, member_of, ordered, same
from fhirserver.world.view import View
from fhirserver.world.vocabulary import REFUSED_BY_EHR
from fhirserver.world.voices import speaker

_ONE_ACT = {"Appointment": frozenset(("status", "start", "end", "minutesDuration", "slot", "participant"))}
"""Elements that mean something only together: half of a rebooking must never reach an EHR."""

_OURS = frozenset(("meta", f"extension[{REFUSED_BY_EHR}]"))
"""What says how the world stands, not what is so: it is nothing for an EHR."""


def below_gate(entity: Entity, policy: Policy, source: str, positions: Iterable[int]) -> Iterator[Claim]:
    """A source's live claims, made or made surer at one of the positions, that wait for their unit's gate.

    A claim that only repeats what passed the gate already waits for nothing.
    """
    view = entity.ledger.view(source)
    if view is None or view.deleted is not None:
        return
    wanted, codes = frozenset(positions), entity.codes
    for unit in view.stated():
        stamp = view.stamp(unit)
        if unit == "meta" or stamp is None or wanted.isdisjoint((stamp.position, stamp.heard)):
            continue
        claims = claims_on(entity.ledger, unit)
        claim = next(claim for claim in claims if claim.source == source)
        gate = policy.gate(entity.key.type, unit, codes)
        win = contend(claims)
        passed = win is not None and win.confidence >= gate and same(win.claim.value, claim.value)
        if claim.status == "live" and claim.confidence < gate and not passed:
            yield claim


def may_leave(entity: Entity, policy: Policy, sink: str) -> dict[str, Win]:
    """The units whose winner passes its gate and that the sink does not already say itself.

    ``sink`` is its voice about the record that is written to; what it says of other records that were merged it
    need not be told either. Elements that are one act leave together or not at all. Of what was merged into
    another nothing leaves: how an EHR merges its records is its own affair.
    """
    if (
        entity.deleted
        or entity.ledger.into
        or (entity.ledger.uncontested and entity.ledger.views[0].source == sink)
    ):
        return {}
    view = _living(entity, sink)
    wanted = {unit: win for unit, win in wins(entity.ledger).items() if _is_news(unit, win, sink, view)}
    type, codes = entity.key.type, entity.codes
    passed = {u: w for u, w in wanted.items() if w.confidence >= policy.gate(type, u, codes)}
    act = _ONE_ACT.get(type, frozenset())
    if any(unit in act for unit in wanted.keys() - passed.keys()):
        return {unit: win for unit, win in passed.items() if unit not in act}
    return passed


def is_of_an_act(type: str, unit: str) -> bool:
    """Whether an element means something only together with others, and leaves with them or not at all."""
    return unit in _ONE_ACT.get(type, ())


def _living(entity: Entity, source: str) -> View | None:
    view = entity.ledger.view(source)
    return view if view is not None and view.deleted is None else None


def _is_news(unit: str, win: Win, sink: str, view: View | None) -> bool:
    """Whether the sink does not say it.

    That something is absent is no news to a sink that has nothing, and its identifiers are its own to remove.
    """
    if unit in _OURS or any(claim.speaker == speaker(sink) for claim in win.agreeing):
        return False
    if win.claim.value is not ABSENT:
        return True
    return view is not None and unit in view.units and member_of(unit) != "identifier"


def outbound(entity: Entity, sink: str, leaving: Mapping[str, Win]) -> Units:
    """What the sink's record should be: what it says now, with what leaves laid over it."""
    view = _living(entity, sink)
    units: Units = dict(view.units) if view is not None else {}
    for unit, win in leaving.items():
        if win.claim.value is ABSENT:
            units.pop(unit, None)
        else:
            units[unit] = win.claim.value
    return ordered(units)


NEARLY = Decimal("0.1")
"""How far apart the confidences of two claims may be that count as nearly equal."""


def disagreements(entity: Entity, sources: Iterable[str]) -> dict[str, list[Claim]]:
    """The elements on which live claims of the given sources, nearly equally sure, say different things.

    Only whole elements are compared: two phone numbers, or silence beside a value, are no contradiction.
    """
    among = frozenset(sources)
    views = [view for view in entity.ledger.views if speaker(view.source) in among]
    if len(views) < 2:
        return {}
    units = {unit for view in views for unit in view.units}
    found: dict[str, list[Claim]] = {}
    for unit in sorted(unit for unit in units if unit != "meta" and member_of(unit) == unit):
        claims = [c for c in claims_on(entity.ledger, unit) if c.speaker in among and c.status == "live"]
        present = [c for c in claims if c.value is not ABSENT]
        top = max((c.confidence for c in present), default=None)
        rivals = [c for c in present if top is not None and top - c.confidence <= NEARLY]
        if any(not same(rivals[0].value, other.value) for other in rivals[1:]):
            found[unit] = rivals
    return found
