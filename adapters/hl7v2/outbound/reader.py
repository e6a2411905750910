"""What a message must carry beside the record that it is about: the patient of an appointment, who and where, cover.

Only what the EHR said itself and what passes its gate is handed out: nothing else may leave by a side door.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from adapters.hl7v2.ingest.linking import Linker
from adapters.runner.crosswalk import Crosswalk
from adapters.runner.leaving import is_over
from adapters.runner.sent import read_sent, sent_key
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.references import parse_reference
from fhirserver.ports.log import Statement
from fhirserver.ports.storage import Key
from fhirserver.search.expression import Query, ReferenceIs
from fhirserver.store.commands import Command
from fhirserver.store.store import Store
from fhirserver.world.gates import may_leave, outbound
from fhirserver.world.policy import Policy
from fhirserver.world.survivorship import Win
from fhirserver.world.units import join, member_of

_KNOWN_BY = ("identifier", "name", "birthDate", "gender")
"""What a message about something else tells of its patient."""


@dataclass(frozen=True, slots=True)
class Carried:
    """A resource as it may leave. ``id`` is the world's, ``record`` the EHR's, empty where it has none.

    ``begun``: it is on its way there, so that it may have one by now.
    """

    id: str
    record: str
    content: JsonObject
    begun: bool = False

    @property
    def is_told(self) -> bool:
        """Whether it belongs in a list that is sent whole: one without it would take it away."""
        return bool(self.record) or (self.begun and not is_over(self.content["resourceType"], self.content))


class Reader(Protocol):
    """Hands out what messages carry. References are the world's."""

    async def carried(self, reference: str) -> Carried | None:
        """What a reference means; None where nothing of it may leave."""
        ...

    async def of_patient(self, type: str, element: str, patient: str) -> list[Carried]:
        """The resources of a type that belong to a patient (``Patient/id``), in a fixed order."""
        ...

    async def learned(self, type: str, key: str, world: str) -> None:
        """The EHR names a resource by a further key."""
        ...


class WorldReader:
    """Reads the world on behalf of one sink."""

    def __init__(self, store: Store, policy: Policy, source: str):
        self._store, self._policy, self._source = store, policy, source
        self._crosswalk = Crosswalk(store, source)
        self._linker = Linker(store, source)

    async def carried(self, reference: str) -> Carried | None:
        literal = parse_reference(reference)
        if literal is None or literal.base:
            return None
        entity, _ = await self._store.standing(literal.type, literal.id)
        if entity is None or entity.deleted:
            return None
        link = await self._crosswalk.by_world(*entity.key)
        says = self._crosswalk.voice(link, entity, self._source)
        units = may_leave(entity, self._policy, says)
        in_passing = {unit: win for unit, win in units.items() if member_of(unit) in _KNOWN_BY}
        content = join(outbound(entity, says, units))
        if not content:
            return None
        if literal.type == "Patient" and link is not None:
            await self._note_told(sent_key(link, entity.key), in_passing)
        made = {"resourceType": literal.type, **content}
        begun = link is None and bool((await read_sent(self._store, self._source, entity.key)).tried)
        return Carried(entity.key.id, link.record if link else "", made, begun)

    async def _note_told(self, key: Key, units: Mapping[str, Win]) -> None:
        """Make it durable that a message tells of the patient in passing: what comes back of it is no new evidence."""
        before = await read_sent(self._store, self._source, key)
        if units and not before.has_tried(units):
            note = before.trying(units, before.holder).note(self._source, key)
            await self._store.submit(Command(Statement(self._source, method="writeback"), (note,)))

    async def of_patient(self, type: str, element: str, patient: str) -> list[Carried]:
        query = Query(type, ReferenceIs(element, *patient.split("/")), count=50)
        versions = sorted((await self._store.search(query)).versions, key=lambda version: version.id)
        found = [await self.carried(f"{type}/{version.id}") for version in versions]
        return [one for one in found if one is not None]

    async def learned(self, type: str, key: str, world: str) -> None:
        if await self._crosswalk.by_record(type, key) is None:
            statement = Statement(self._source, method="writeback")
            await self._store.submit(Command(statement, (self._linker.alias(type, key, world),)))
