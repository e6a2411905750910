"""Two EHRs that changed the same element without knowing of each other: neither is overwritten until somebody decides.

A change in one EHR is written to the others, which still say what was the case before. Where another says something
that the first one never knew, to write there would take its word away before anybody has seen it: both claims are in
review as a disagreement, and the later one is the world's for now.
"""

from __future__ import annotations

from collections.abc import Mapping

from adapters.runner.belonging import EHR
from fhirserver.kernel.json import Json
from fhirserver.store.as_of import Moment, entity_as_of
from fhirserver.store.store import Store
from fhirserver.world.entity import Entity
from fhirserver.world.survivorship import Claim, Win
from fhirserver.world.units import member_of, same
from fhirserver.world.view import View
from fhirserver.world.voices import speaker


async def uncontradicted(store: Store, sink: str, entity: Entity, units: Mapping[str, Win]) -> dict[str, Win]:
    """The units without those of which the source ``sink`` says what the winning EHR did not know when it spoke."""
    views = [v for v in entity.ledger.views if speaker(v.source) == sink and v.deleted is None]
    kept = dict(units)
    for view in views:
        for unit, win in units.items():
            if unit in kept and _may_contradict(store, view, unit, win):
                before = await _said_before(store, entity, win.claim)
                if before is not None and _is_newer(view, unit, before) and not _agree(view, before, unit):
                    del kept[unit]
    return kept


def _may_contradict(store: Store, view: View, unit: str, win: Win) -> bool:
    """Whether the sink says something else than another EHR, and nobody has decided yet."""
    said = view.units.get(unit)
    source = store.policies.sources.get(win.claim.speaker)
    is_ehr = source is not None and source.kind == EHR and win.claim.speaker != speaker(view.source)
    whole = member_of(unit) == unit
    return is_ehr and whole and said is not None and not win.claim.checked and not same(said, win.claim.value)


async def _said_before(store: Store, entity: Entity, claim: Claim) -> View | None:
    """What the winner's source said before it said this."""
    then = await entity_as_of(store, entity.key, Moment(claim.stamp.position - 1, ""))
    view = then.ledger.view(claim.source) if then is not None else None
    return view if view is not None and view.units.get(claim.unit) is not None else None


def _is_newer(view: View, unit: str, other: View) -> bool:
    mine, theirs = view.stamp(unit), other.stamp(unit)
    return mine is not None and theirs is not None and mine.position > theirs.position


def _agree(view: View, other: View, unit: str) -> bool:
    mine: Json = view.units.get(unit)
    return same(mine, other.units.get(unit))
