"""Claims of a review item that need nobody any more. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from fhirserver.world.entity import Entity
from fhirserver.world.gates import disagreements
from fhirserver.world.policy import Policy
from fhirserver.world.review import ReviewClaim
from fhirserver.world.survivorship import Claim, claims_on, contend
from fhirserver.world.units import same

_OTHERWISE = frozenset({"disagreement", "refused"})
"""Findings that are not about being below a gate."""


def moot(entity: Entity | None, policy: Policy, claims: Iterable[ReviewClaim]) -> list[ReviewClaim]:
    """The claims that nobody has to decide: of a resource that is no more, superseded, rejected, replaced by what their
    source said later, agreed to by somebody who is sure enough, or in disagreement with nobody."""
    if entity is None or entity.deleted:
        return list(claims)
    return [claim for claim in claims if _is_moot(entity, policy, claim)]


def _is_moot(entity: Entity, policy: Policy, claim: ReviewClaim) -> bool:
    made = claims_on(entity.ledger, claim.unit)
    found = next((c for c in made if (c.source, c.stamp.position) == (claim.source, claim.position)), None)
    if found is None or found.status != "live":
        return True
    if claim.finding in _OTHERWISE:
        sources = {view.source for view in entity.ledger.views}
        return claim.finding == "disagreement" and claim.unit not in disagreements(entity, sources)
    return _is_agreed(found, made, policy.gate(entity.key.type, claim.unit, entity.codes))


def _is_agreed(found: Claim, made: list[Claim], gate: Decimal) -> bool:
    """Whether the world holds the value by another's word that passes the gate."""
    win = contend(made)
    return (
        win is not None
        and same(win.claim.value, found.value)
        and any(one.source != found.source and one.confidence >= gate for one in win.agreeing)
    )
