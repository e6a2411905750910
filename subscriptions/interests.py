"""The subscriptions there are, with what each is interested in: immutable, so a failed step leaves no trace."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from fhirserver.interactions.exchange import Context
from fhirserver.interactions.subscription.record import Standing
from fhirserver.interactions.subscription.trigger import Interest, interest_of
from fhirserver.interactions.subscription.wanted import Wanted
from fhirserver.kernel.outcomes import Category, Refusal

log = logging.getLogger("credence.subscriptions")


@dataclass(frozen=True)
class Held:
    """One subscription. ``changed`` is when its Subscription became what it is; ``fault`` why it cannot be followed."""

    wanted: Wanted
    standing: Standing
    changed: str
    interest: Interest | None = None
    fault: str = ""

    @property
    def id(self) -> str:
        return self.standing.id

    def counts(self, at: str) -> bool:
        """Whether events at an instant are events for it: also while it is only requested, or in error."""
        return bool(self.standing.version) and self.wanted.status != "off" and not self.wanted.over(at)

    def numbered(self, number: int) -> Held:
        """With the number of its last event."""
        return replace(self, standing=replace(self.standing, number=number))


@dataclass(frozen=True)
class Interests:
    """All subscriptions by id, and by the types of resources that they are interested in."""

    by_id: Mapping[str, Held]

    @cached_property
    def by_type(self) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = {}
        for id, held in self.by_id.items():
            if held.standing.version and held.wanted.status != "off" and held.interest is not None:
                for type in held.interest.types:
                    found.setdefault(type, []).append(id)
        return found

    @property
    def any(self) -> bool:
        return bool(self.by_type)

    def having(self, changed: Iterable[Held]) -> Interests:
        """With some of them changed."""
        return Interests({**self.by_id, **{held.id: held for held in changed}})


def interested(context: Context, held: Held) -> Held:
    """The subscription with its interest, by what topics and parameters there are now.

    What cannot be understood any more (its topic is gone) is a fault. Raises a refusal that will pass by itself.
    """
    if not held.standing.version or held.wanted.status == "off":
        return replace(held, interest=None, fault="")
    topic = context.topics.find(held.wanted.topic) if held.wanted.topic else None
    try:
        return replace(held, interest=interest_of(context, held.wanted, topic), fault="")
    except Refusal as refusal:
        if refusal.category is not Category.UNPROCESSABLE:
            raise
        log.warning("subscription %s cannot be followed: %s", held.id, refusal.issues[0].code)
        return replace(held, interest=None, fault=refusal.issues[0].diagnostics)
