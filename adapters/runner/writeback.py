"""The writeback follower: a winning claim that passes its gate becomes a Task for every sink that lacks it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from adapters.runner.belonging import Belonging
from adapters.runner.contradiction import uncontradicted
from adapters.runner.crosswalk import Crosswalk
from adapters.runner.leaving import leaving
from adapters.runner.sent import read_sent, sent_key
from adapters.runner.tasks import moved, open_tasks, writeback_task
from fhirserver.kernel.ids import new_id
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.ports.log import Commit
from fhirserver.ports.storage import Key, Version
from fhirserver.search.expression import Query
from fhirserver.store.commands import Put, Write
from fhirserver.store.store import Store
from fhirserver.world.entity import Entity
from fhirserver.world.policy import Policy
from fhirserver.world.policy_change import POLICY
from fhirserver.world.survivorship import Win

PUSHED_TYPES = ("Patient", "RelatedPerson", "Coverage", "Appointment")
"""What goes to an EHR unless the connector says otherwise: EHRs keep their own schedules and slots."""
NOTHING_LEFT = "Superseded: nothing is left to write"


@dataclass(frozen=True, slots=True)
class Sink:
    """One EHR from the outbound side: the connector's name, its source, the types it takes.

    ``copies``: whether records of other EHRs are created here as well. ``place`` is its address, where it has one.
    """

    name: str
    source: str
    types: tuple[str, ...] = PUSHED_TYPES
    copies: bool = False
    place: str = ""


class Writeback:
    """Follows the log for one sink; see the module."""

    def __init__(self, store: Store, policy: Policy, sink: Sink):
        self.name = f"writeback:{sink.name}"
        self._store, self._policy, self._sink = store, policy, sink
        self._crosswalk = Crosswalk(store, sink.source)
        self._belonging = Belonging(store, sink.source)

    async def effects(self, commits: Sequence[Commit]) -> Sequence[Write]:
        """Tasks to make, to renew or to call off."""
        keys: dict[Key, None] = {}
        for commit in commits:
            for event in commit.events:
                keys.update(dict.fromkeys(key for key in _touched(event) if key.type in self._sink.types))
        writes: list[Write] = []
        for key in keys:
            writes += await self.resource(key)
        return writes

    async def missed(self, key: Key) -> list[Write]:
        """As :meth:`resource`, without touching Tasks that are there: what should long have been asked for."""
        return [] if await self._pending(key) else await self.resource(key)

    async def resource(self, key: Key) -> list[Write]:
        """What is to be done about one resource, as it stands now.

        A Task that waits takes the newest change in. One in progress is left to whoever pushes it; a newer
        change gets a Task of its own, which is next.
        """
        entity = await self._store.entity(*key)
        if entity is None or self._said_by_the_sink_alone(entity):
            return []
        link = await self._crosswalk.by_world(*key)
        sent = await read_sent(self._store, self._sink.source, sent_key(link, key))
        says = self._crosswalk.voice(link, entity, self._sink.source)
        units = leaving(entity, self._policy, says, sent, link is not None)
        pending = [(version, loads(version.content)) for version in await self._pending(key)]
        waiting = [(version, task) for version, task in pending if task["status"] == "requested"]
        units = await at_home(self._belonging, self._sink, entity, units, link is not None)
        if not units:
            return [_put(version, moved(task, "cancelled", NOTHING_LEFT)) for version, task in waiting]
        if waiting:
            return self._renewed(entity, units, *waiting[0])
        if pending and sent.has_tried(units):
            return []
        return [Put("Task", new_id(), self._task(entity, units), create=True)]

    def _said_by_the_sink_alone(self, entity: Entity) -> bool:
        """The ordinary case while records come in; there can be no Task."""
        return entity.ledger.uncontested and entity.ledger.views[0].source == self._sink.source

    def _task(self, entity: Entity, units: Mapping[str, Win]) -> JsonObject:
        sure = {unit: win.confidence for unit, win in units.items()}
        return writeback_task(self._sink.name, *entity.key, entity.version, sure, entity.recorded)

    def _renewed(
        self, entity: Entity, units: Mapping[str, Win], version: Version, task: JsonObject
    ) -> list[Write]:
        fresh = {**self._task(entity, units), "authoredOn": task["authoredOn"]}
        return [_put(version, fresh)]

    async def _pending(self, key: Key) -> Sequence[Version]:
        query = Query("Task", open_tasks(self._sink.name, (key.type, key.id)), count=10)
        return (await self._store.search(query)).versions


async def at_home(
    belonging: Belonging, sink: Sink, entity: Entity, units: dict[str, Win], linked: bool
) -> dict[str, Win]:
    """Of what may leave, what is the sink's business, and what it did not itself say otherwise meanwhile: see
    :mod:`adapters.runner.belonging` and :mod:`adapters.runner.contradiction`."""
    if not units:
        return units
    if linked:
        units = units if sink.copies else await belonging.at_home(entity, units)
        return await uncontradicted(belonging.store, sink.source, entity, units)
    return {} if not sink.copies and await belonging.is_elsewhere(entity) else units


def _touched(event: JsonObject) -> list[Key]:
    """The resources that an event is about, or whose gates a change of the policy moved."""
    if event["e"] != "noted":
        return [Key(event["type"], event["id"])]
    moved = event["value"].get("moved", ()) if event["kind"] == POLICY else ()
    return [Key(*reference.split("/")) for reference in moved]


def _put(version: Version, task: JsonObject) -> Put:
    return Put("Task", version.id, task, if_match=version.version)
