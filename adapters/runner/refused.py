"""What a sink refuses goes to an operator: a review item with the claims and the EHR's reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fhirserver.ports.ehr import EhrIssue
from fhirserver.store.commands import Put
from fhirserver.store.review_items import reviewed
from fhirserver.store.store import Store
from fhirserver.world.entity import Entity
from fhirserver.world.review import ReviewClaim
from fhirserver.world.survivorship import Win
from fhirserver.world.units import Units


@dataclass(frozen=True, slots=True)
class Refused:
    """One refusal: the sink, the units it was sent, and what it said."""

    sink: str
    entity: Entity
    units: Mapping[str, Win]
    text: str
    issues: Sequence[EhrIssue] = ()

    @property
    def reasoning(self) -> str:
        """For the operator: the EHR's own words are in it."""
        words = "; ".join(issue.text for issue in self.issues if issue.text)
        return f"{self.sink}: {self.text}{f' - {words}' if words else ''}"


async def refused(store: Store, voice: str, said: Refused) -> Put | None:
    """The write that puts the refused claims into the resource's pending review item."""
    view = said.entity.ledger.view(voice)
    says: Units = view.units if view is not None else {}
    claims = [
        ReviewClaim(
            unit=unit,
            source=win.claim.source,
            position=win.claim.stamp.position,
            confidence=win.confidence,
            proposed=win.claim.value,
            current=says.get(unit),
            finding="refused",
            reasoning=said.reasoning,
        )
        for unit, win in said.units.items()
    ]
    return await reviewed(store, said.entity, claims)
