"""A dry run: what would be written to a sink about a resource, unit by unit, and what holds the others back.

It asks what the follower and the pusher ask, of the world as it is now. Nothing is sent, and nothing is stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from adapters.runner.belonging import Belonging
from adapters.runner.crosswalk import Crosswalk, Link, Unlinked
from adapters.runner.leaving import leaving
from adapters.runner.sent import Sent, mark, read_sent, sent_key
from adapters.runner.tasks import focus_of, open_tasks
from adapters.runner.writeback import Sink
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.ports.connectors import Rehearsed, UnitRehearsed
from fhirserver.ports.storage import Key
from fhirserver.search.expression import Query
from fhirserver.store.store import Store
from fhirserver.world.entity import Entity
from fhirserver.world.gates import may_leave, outbound
from fhirserver.world.policy import Policy
from fhirserver.world.survivorship import Win, wins
from fhirserver.world.units import join
from fhirserver.world.voices import speaker

MOST = 100
"""Resources that one dry run looks at where none is named."""
LEAVES = "would be written"
SAYS_SO = "the EHR says so itself"
BELOW = "below its gate"
REFUSED = "the EHR refused it, and nothing was decided about it since"
SETTLED = "the EHR has it: it was told, and answered in its own words"
PART_OF_ONE = "only together with what is still below its gate"
NOT_WHOLE = "the EHR has no such record, and what may leave is no valid record by itself"
NOTHING = "there is nothing to remove at the EHR"
ELSEWHERE = "it belongs to another EHR"
NOT_PUSHED = "the connector does not write this type"


class Rehearsal:
    """Dry runs for one sink."""

    def __init__(self, store: Store, policy: Policy, sink: Sink):
        self._store, self._policy, self._sink = store, policy, sink
        self._crosswalk = Crosswalk(store, sink.source)
        self._belonging = Belonging(store, sink.source)

    async def rehearse(self, keys: Sequence[Key]) -> Sequence[Rehearsed]:
        """One answer for each resource that there is; of all open writebacks where none is named."""
        tasks = await self._open_tasks()
        wanted = list(keys) or list(dict.fromkeys(tasks))[:MOST]
        found = [await self._one(key, tasks.get(key, "")) for key in wanted]
        return [one for one in found if one is not None]

    async def _open_tasks(self) -> dict[Key, str]:
        """The oldest open Task of each resource."""
        page = await self._store.search(Query("Task", open_tasks(self._sink.name), count=1000))
        found: dict[Key, str] = {}
        for version in sorted(page.versions, key=lambda one: one.position):
            type, _, id = focus_of(loads(version.content)).partition("/")
            found.setdefault(Key(type, id), version.id)
        return found

    async def _one(self, key: Key, task: str) -> Rehearsed | None:
        entity = await self._store.entity(*key)
        if entity is None:
            return None
        link = await self._crosswalk.by_world(*key)
        sent = await read_sent(self._store, self._sink.source, sent_key(link, key))
        says = self._crosswalk.voice(link, entity, self._sink.source)
        units = leaving(entity, self._policy, says, sent, link is not None, task)
        barred = await self._bar(entity, link)
        told = tuple(self._units(entity, sent, says, units, barred))
        units = {} if barred else units
        record = link.record if link else ""
        if not units:
            return Rehearsed(key, "none", told, record, task)
        operation = "update" if link else "create"
        try:
            content = await self._content(entity, says, units, link)
        except Unlinked as missing:
            return Rehearsed(key, operation, told, record, task, f"{missing.type}/{missing.id}")
        return Rehearsed(key, operation, told, record, task, "", content)

    async def _bar(self, entity: Entity, link: Link | None) -> str:
        """Why nothing of the resource is for this sink at all; empty where it is."""
        if entity.key.type not in self._sink.types:
            return NOT_PUSHED
        elsewhere = link is None and not self._sink.copies and await self._belonging.is_elsewhere(entity)
        return ELSEWHERE if elsewhere else ""

    async def _content(
        self, entity: Entity, says: str, units: Mapping[str, Win], link: Link | None
    ) -> JsonObject:
        content = join(outbound(entity, says, units))
        whole = await self._crosswalk.outward({"resourceType": entity.key.type, **content})
        return {**whole, "id": link.record} if link else whole

    def _units(
        self, entity: Entity, sent: Sent, says: str, units: Mapping[str, Win], barred: str
    ) -> Iterator[UnitRehearsed]:
        allowed = may_leave(entity, self._policy, says)
        view = entity.ledger.view(says)
        for unit, win in sorted(wins(entity.ledger).items()):
            if unit == "meta":
                continue
            gate = self._policy.gate(entity.key.type, unit)
            if unit in units:
                reason = barred or LEAVES
            elif any(claim.speaker == speaker(says) for claim in win.agreeing):
                reason = SAYS_SO
            elif win.confidence < gate:
                reason = BELOW
            elif unit not in allowed:
                reason = PART_OF_ONE if win.claim.value is not None else NOTHING
            elif sent.is_settled(unit, win.claim.value, view.units.get(unit) if view else None):
                reason = SETTLED
            else:
                reason = REFUSED if sent.refused.get(unit) == mark(entity, unit, win) else NOT_WHOLE
            yield UnitRehearsed(unit, reason == LEAVES, reason, str(win.confidence), str(gate))
