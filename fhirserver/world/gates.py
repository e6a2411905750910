"""Gates: which winning claims may leave for a sink, and which claims need somebody's decision. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from fhirserver.world.entity import Entity
from fhirserver.world.policy import Policy
from fhirserver.world.survivorship import Claim, Win, claims_on, contend, wins
from fhirserver.world.units import Units


def below_gate(entity: Entity, policy: Policy, source: str, position: int | None = None) -> Iterator[Claim]:
    """A source's live claims that have not reached their unit's gate, of one assertion where given."""
    view = entity.ledger.view(source)
    if view is None or view.deleted is not None:
        return
    for unit in view.stated():
        if unit == "meta":
            continue
        gate = policy.gate(entity.key.type, unit)
        claims = claims_on(entity.ledger, unit)
        win = contend(claims)
        if win is not None and win.confidence >= gate and source in {one.source for one in win.agreeing}:
            continue  # it only repeats what is sure enough already
        for claim in claims:
            if claim.source != source or claim.status != "live" or claim.confidence >= gate:
                continue
            if position is None or claim.stamp.position == position:
                yield claim


def may_leave(entity: Entity, policy: Policy, sink: str) -> dict[str, Win]:
    """The units whose winner passes its gate and that the sink does not already say itself."""
    return {
        unit: win
        for unit, win in wins(entity.ledger).items()
        if unit != "meta"
        and win.confidence >= policy.gate(entity.key.type, unit)
        and not any(claim.source == sink for claim in win.agreeing)
    }


def outbound(entity: Entity, policy: Policy, sink: str) -> Units:
    """What the sink's record should be: what it says now, with the units that may leave laid over it."""
    view = entity.ledger.view(sink)
    units: Units = dict(view.units) if view is not None and view.deleted is None else {}
    for unit, win in may_leave(entity, policy, sink).items():
        if win.claim.value is None:
            units.pop(unit, None)
        else:
            units[unit] = win.claim.value
    return units
