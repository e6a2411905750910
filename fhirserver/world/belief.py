"""What was believed at one time about another: of what was recorded by then, what was effective by the other.

A statement counts from its effective time, or from when it was recorded where it states none. What does not count
was never said; so a source's older statement stands where its newer one is about a later time. Rulings count where
the claim they are about does.
"""

from __future__ import annotations

from typing import Final

from fhirserver.kernel.instants import microseconds
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.log import Commit
from fhirserver.world.entity import Entity, apply, source_of

_STATEMENTS: Final = frozenset({"asserted", "removed", "withdrawn"})


class Belief:
    """Takes the events about one resource in the order of the log; ``entity`` is what follows from those that count.

    ``until``: only what was effective before that many microseconds since 1970 counts.
    """

    def __init__(self, until: int):
        self._until = until
        self._unheard: set[tuple[str, int]] = set()
        self._pk: int | None = None
        self.entity: Entity | None = None

    def take(self, event: JsonObject, commit: Commit) -> None:
        """One more event."""
        self._pk = event.get("pk", self._pk)
        if event["e"] in _STATEMENTS and not self._counts(event, commit):
            self._unheard.add((source_of(event, commit), commit.position))
            return
        if event["e"] == "decided":
            event = {**event, "decisions": [one for one in event["decisions"] if self._is_heard(one)]}
            if self.entity is None or not event["decisions"]:
                return
        if self.entity is None and self._pk is not None:
            event = {**event, "pk": self._pk}
        self.entity = apply(self.entity, event, commit)

    def _counts(self, event: JsonObject, commit: Commit) -> bool:
        return microseconds(event.get("effective") or commit.recorded) < self._until

    def _is_heard(self, decision: JsonObject) -> bool:
        return (decision["source"], decision["claim"]) not in self._unheard
