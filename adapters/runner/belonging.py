"""Which EHR a new record is for: an appointment goes to the EHR whose slot it is in, and nobody's patients are spread.

A resource is elsewhere when another EHR brought it into the world and this one does not have it, or when that is so of
something it refers to. What comes from a call goes to every EHR that takes its type, whichever of them answers first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from adapters.runner.crosswalk import Crosswalk
from fhirserver.kernel.ids import is_id
from fhirserver.kernel.json import Json
from fhirserver.kernel.references import parse_reference, walk_references
from fhirserver.ports.storage import Key
from fhirserver.store.store import Store
from fhirserver.world.entity import Entity, source_of
from fhirserver.world.gates import is_of_an_act
from fhirserver.world.survivorship import Win
from fhirserver.world.voices import speaker

EHR = "ehr"
"""The kind of the sources that keep records of their own."""


class Belonging:
    """Asked for one sink. ``source`` is its source."""

    def __init__(self, store: Store, source: str):
        self.store, self._source = store, source
        self._crosswalk = Crosswalk(store, source)

    async def is_elsewhere(self, entity: Entity) -> bool:
        """Whether a resource that the sink does not have is no business of the sink."""
        if await self._is_of_another(entity):
            return True
        for key in dict.fromkeys(_targets(entity)):
            if await self._refers_elsewhere(key):
                return True
        return False

    async def at_home(self, entity: Entity, units: Mapping[str, Win]) -> dict[str, Win]:
        """The units that the sink can be told of a record that it has.

        What names a record of another EHR, such as the patient's physician there, would wait for ever for it to
        come, and keep all else about the patient waiting. Elements that are one act are left together.
        """
        kept: dict[str, Win] = {}
        for unit, win in units.items():
            if is_of_an_act(entity.key.type, unit) or not await self._names_elsewhere(win.claim.value):
                kept[unit] = win
        return kept

    async def _names_elsewhere(self, value: Json) -> bool:
        return any([await self._refers_elsewhere(key) for key in dict.fromkeys(_named(value))])

    async def _refers_elsewhere(self, key: Key) -> bool:
        if await self._crosswalk.by_world(*key) is not None:
            return False
        target = await self.store.entity(*key)
        return target is not None and await self._is_of_another(target)

    async def _is_of_another(self, entity: Entity) -> bool:
        """Whether another EHR brought it into the world, and this one does not say it."""
        if any(speaker(view.source) == self._source for view in entity.ledger.views if view.deleted is None):
            return False
        source = self.store.policies.sources.get(await self._brought_by(entity.key))
        return source is not None and source.id != self._source and source.kind == EHR

    async def _brought_by(self, key: Key) -> str:
        """The source of the first statement about a resource."""
        first = await self.store.read_version(key.type, key.id, 1)
        commits = await self.store.read_log(first.position - 1, 1) if first else ()
        events = (event for commit in commits for event in commit.events if event["e"] == "asserted")
        said = (speaker(source_of(event, commits[0])) for event in events if event.get("id") == key.id)
        return next(said, "")


def _targets(entity: Entity) -> Iterator[Key]:
    return _named(entity.json)


def _named(value: Json) -> Iterator[Key]:
    for holder in walk_references(value):
        literal = parse_reference(holder["reference"])
        if literal is not None and not literal.base and is_id(literal.id):
            yield Key(literal.type, literal.id)
