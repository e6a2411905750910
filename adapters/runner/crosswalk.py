"""The crosswalk: which record of a source is which resource of the world, kept as facts of the log.

``record`` facts lead from ``source/Type/id`` to the world, ``world`` facts from ``source/Type/world id`` back.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

from fhirserver.kernel.ids import derived_id, is_id
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.references import Literal, parse_reference, walk_references
from fhirserver.store.commands import Note
from fhirserver.store.store import Store

RECORD, WORLD = "record", "world"


@dataclass(frozen=True, slots=True)
class Link:
    """One record of a source and the world resource it is. ``version`` is the record's, as last seen."""

    source: str
    type: str
    record: str
    world: str
    version: str = ""
    last_updated: str = ""

    def notes(self) -> tuple[Note, Note]:
        """The facts that keep the link."""
        value: JsonObject = {"record": self.record, "world": self.world, "version": self.version}
        if self.last_updated:
            value["lastUpdated"] = self.last_updated
        return (
            Note(RECORD, f"{self.source}/{self.type}/{self.record}", value),
            Note(WORLD, f"{self.source}/{self.type}/{self.world}", {"record": self.record}),
        )


class Unlinked(Exception):
    """A reference points at a resource that the sink does not have yet. Holds ``Type/id`` only."""

    def __init__(self, type: str, id: str):
        self.type, self.id = type, id
        super().__init__(f"{type}/{id} is not in the sink yet")


class Crosswalk:
    """The links of one source."""

    def __init__(self, store: Store, source: str):
        self._store, self._source = store, source

    async def by_record(self, type: str, record: str) -> Link | None:
        fact = await self._store.fact(RECORD, f"{self._source}/{type}/{record}")
        if fact is None:
            return None
        value = fact.value
        return Link(
            self._source, type, record, value["world"], value["version"], value.get("lastUpdated", "")
        )

    async def by_world(self, type: str, world: str) -> Link | None:
        fact = await self._store.fact(WORLD, f"{self._source}/{type}/{world}")
        return await self.by_record(type, fact.value["record"]) if fact else None

    def fresh(self, type: str, record: str) -> str:
        """The world id of a record that is not linked yet: always the same for the same record."""
        return derived_id(self._source, type, record)

    async def inward(self, content: JsonObject) -> JsonObject:
        """The content with the source's ids in references replaced by the world's."""
        moved: JsonObject = copy.deepcopy(content)
        for holder in walk_references(moved):
            literal = parse_reference(holder["reference"])
            if literal is not None and not literal.base:
                link = await self.by_record(literal.type, literal.id)
                world = link.world if link else self.fresh(literal.type, literal.id)
                holder["reference"] = str(Literal(literal.type, world))
        return moved

    async def outward(self, content: JsonObject) -> JsonObject:
        """The content with the world's ids in references replaced by the source's. Raises :class:`Unlinked`."""
        moved: JsonObject = copy.deepcopy(content)
        for holder in walk_references(moved):
            literal = parse_reference(holder["reference"])
            if literal is not None and not literal.base and is_id(literal.id):
                link = await self.by_world(literal.type, literal.id)
                if link is None:
                    raise Unlinked(literal.type, literal.id)
                holder["reference"] = f"{literal.type}/{link.record}"
        return moved
