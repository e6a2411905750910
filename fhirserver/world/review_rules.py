"""What the settings say about reviewing: how long a reviewer holds an item, when items expire, how much at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from fhirserver.kernel.instants import instant, parse_instant
from fhirserver.world.review import Item


@dataclass(frozen=True, slots=True)
class ReviewRules:
    """``lease_seconds``: a reviewer's hold; ``expire_days``: the age at which an item is called off, 0 for never.

    ``batch_items``: items that one batch decides; ``statistics_items``: items that statistics look at.
    """

    lease_seconds: float = 900.0
    expire_days: float = 30.0
    batch_items: int = 100
    statistics_items: int = 5000

    def until(self, now: datetime) -> str:
        """When a hold taken now ends."""
        return instant(now + timedelta(seconds=self.lease_seconds))

    def expires(self, authored: str) -> str:
        """When an item of that time is called off for its age; empty for never."""
        return instant(parse_instant(authored) + timedelta(days=self.expire_days)) if self.expire_days else ""


def holder(item: Item, now: str) -> str:
    """Who holds a pending item at the instant ``now``; empty where nobody does, or not any more."""
    lapsed = bool(item.until) and item.until <= now
    return "" if lapsed or not item.pending else item.owner
