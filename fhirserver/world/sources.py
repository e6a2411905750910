"""Sources: who makes statements, and how far each is trusted."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.world.vocabulary import CERTAIN

KINDS = frozenset({"ehr", "hl7v2", "agent", "form", "operator", "app", "system"})


@dataclass(frozen=True, slots=True)
class Source:
    """One source. ``types`` are the resource types it may write (``*`` for all).

    ``base`` is the confidence of what it says without saying how surely; ``maximum`` the most it may claim.
    A source ``acts_on`` the types whose state it changes by acting (booking) rather than testifying: its
    statements there supersede the claims it saw (ADR 0006).
    """

    id: str
    kind: str = "app"
    base: Decimal = CERTAIN
    maximum: Decimal = CERTAIN
    authoritative: bool = False
    types: frozenset[str] = frozenset({"*"})
    acts_on: frozenset[str] = frozenset()

    def may_write(self, resource_type: str) -> bool:
        return "*" in self.types or resource_type in self.types

    def acts(self, resource_type: str) -> bool:
        return "*" in self.acts_on or resource_type in self.acts_on

    def confidence(self, stated: Decimal | None, resource_type: str) -> Decimal:
        """The confidence of a statement. Refuses a type it may not write and more than its ceiling."""
        if not self.may_write(resource_type):
            raise self._not_allowed(resource_type)
        if stated is None:
            return self.base
        if not 0 <= stated <= 1:
            raise refuse(
                Category.UNPROCESSABLE, "value", "A confidence is a decimal from 0 to 1", "http.X-Provenance"
            )
        if stated > self.maximum:
            raise refuse(
                Category.UNPROCESSABLE,
                "business-rule",
                f"Source '{self.id}' may claim a confidence of at most {self.maximum}, not {stated}",
                "http.X-Provenance",
            )
        return stated

    def _not_allowed(self, resource_type: str) -> Refusal:
        allowed = ", ".join(sorted(self.types))
        return refuse(
            Category.FORBIDDEN,
            "forbidden",
            f"Source '{self.id}' may not write {resource_type}; it may write: {allowed}",
            resource_type,
        )
