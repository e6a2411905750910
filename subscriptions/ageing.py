"""Ageing: once a day, claims that nobody has stated again for long lose confidence, as the policy has it.

One round a day over the types for which the policy knows decay, in bounded lots. What a round did it does not do
again, so a process that starts anew begins the day's round anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fhirserver.kernel.instants import Clock, SystemClock
from fhirserver.model.definitions import definitions
from fhirserver.ports.log import Statement
from fhirserver.store.commands import Command, Decide, Note, Ruling, Write
from fhirserver.store.store import Store
from fhirserver.world.decay import aged
from fhirserver.world.entity import Entity
from fhirserver.world.policy_change import POLICY
from fhirserver.world.rules import Policy
from fhirserver.world.sources import Source
from subscriptions.rounds import Place, next_lot

AGEING = (POLICY, "ageing")


class Ageing:
    """Makes the decisions by which old claims count for less."""

    def __init__(
        self,
        store: Store,
        policy: Policy,
        sources: Mapping[str, Source],
        source: str,
        clock: Clock | None = None,
    ):
        self._store, self._policy, self._clock = store, policy, clock or SystemClock()
        self._kinds = {id: known.kind for id, known in sources.items()}
        self._statement = Statement(source, principal="ageing", method="derivation")
        self._types = self._decaying()
        self._day = ""
        self._place: Place | None = None

    def _decaying(self) -> Sequence[str]:
        kinds = set(self._kinds.values())
        types = sorted(definitions().resource_types)
        return [type for type in types if any(self._policy.decaying(type, kind) for kind in kinds)]

    async def step(self) -> bool:
        """The next lot of today's round; False where that is complete."""
        day = self._clock.now().date().isoformat()
        if self._types and day != self._day:
            self._day, self._place = day, Place()
        if self._place is None:
            return False
        number = await self._number()
        entities, behind = await next_lot(self._store, self._types, self._place)
        writes = [write for entity in entities for write in self._effects(entity)]
        if writes:
            await self._store.submit(Command(self._statement, (*writes, number)))
        self._place = behind
        return True

    async def _number(self) -> Note:
        """What keeps two processes from making the same decisions."""
        fact = await self._store.fact(*AGEING)
        return Note(*AGEING, {"position": int(fact.value["position"]) + 1 if fact else 1}, advance=True)

    def _effects(self, entity: Entity) -> list[Write]:
        type, now = entity.key.type, self._clock.now()
        found = aged(entity.ledger, type, self._policy, self._kinds, now)
        rulings = [Ruling("decay", w.unit, w.source, w.claim, "age", w.confidence) for w in found]
        return [Decide(*entity.key, rulings)] if rulings else []
