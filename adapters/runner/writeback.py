"""The writeback follower: a winning claim that passes its gate becomes a Task for every sink that lacks it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from adapters.runner.crosswalk import Crosswalk
from adapters.runner.inbound import SENT
from adapters.runner.tasks import moved, open_tasks, writeback_task
from fhirserver.kernel.ids import new_id
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.model.validation import validate
from fhirserver.ports.log import Commit
from fhirserver.ports.storage import Key, Version
from fhirserver.search.expression import Query
from fhirserver.store.commands import Note, Put, Write
from fhirserver.store.store import Store
from fhirserver.world.entity import Entity
from fhirserver.world.gates import may_leave, outbound
from fhirserver.world.policy import Policy
from fhirserver.world.units import join

PUSHED_TYPES = ("Patient", "RelatedPerson", "Coverage", "Appointment")
"""What goes to an EHR unless the connector says otherwise: EHRs keep their own schedules and slots."""


@dataclass(frozen=True, slots=True)
class Sink:
    """One EHR from the outbound side: the connector's name, its source, the types it takes."""

    name: str
    source: str
    types: tuple[str, ...] = PUSHED_TYPES


class Writeback:
    """Follows the log for one sink; see the module."""

    def __init__(self, store: Store, policy: Policy, sink: Sink):
        self.name = f"writeback:{sink.name}"
        self._store, self._policy, self._sink = store, policy, sink
        self._crosswalk = Crosswalk(store, sink.source)

    async def effects(self, commits: Sequence[Commit]) -> Sequence[Write]:
        """Tasks to make, to renew or to call off."""
        keys: dict[Key, None] = {}
        for commit in commits:
            if commit.statement.source == self._sink.source:
                continue  # what the sink says itself is not to be told it
            for event in commit.events:
                if event["e"] != "noted" and event["type"] in self._sink.types:
                    keys[Key(event["type"], event["id"])] = None
        writes: list[Write] = []
        for key in keys:
            writes += await self.resource(key)
        return writes

    async def resource(self, key: Key) -> list[Write]:
        """What is to be done about one resource, as it stands now."""
        entity = await self._store.entity(*key)
        if entity is None:
            return []
        pending = await self._pending(key)
        units = {} if entity.deleted else may_leave(entity, self._policy, self._sink.source)
        known = await self._crosswalk.by_world(*key) is not None
        if not units or not (known or self._whole(entity)):
            return [_called_off(task) for task in pending]
        sure = {unit: win.confidence for unit, win in units.items()}
        task = writeback_task(self._sink.name, *key, entity.version, sure, entity.recorded)
        note = Note(SENT, f"{self._sink.source}/{key}", {"units": sure})
        if pending:
            return [note, Put("Task", pending[0].id, task, if_match=pending[0].version)]
        return [note, Put("Task", new_id(), task, create=True)]

    def _whole(self, entity: Entity) -> bool:
        """Whether what may leave is a valid record by itself, so that it can be created."""
        content: JsonObject = join(outbound(entity, self._policy, self._sink.source))
        issues = validate({"resourceType": entity.key.type, **content})
        return not any(issue.severity in ("error", "fatal") for issue in issues)

    async def _pending(self, key: Key) -> Sequence[Version]:
        query = Query("Task", open_tasks(self._sink.name, (key.type, key.id)), count=10)
        return (await self._store.search(query)).versions


def _called_off(version: Version) -> Put:
    task = moved(loads(version.content), "cancelled", "Superseded: nothing is left to write")
    return Put("Task", version.id, task, if_match=version.version)
