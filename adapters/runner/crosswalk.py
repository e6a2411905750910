"""The crosswalk: which record of a source is which resource of the world, kept as facts of the log.

``record`` facts lead from ``source/Type/id`` to the world, ``world`` facts from ``source/Type/world id`` back.
Both are compare-and-swap: whoever writes from an older state is refused, so that of two pulls, or a pull and a
push, or two processes, one is decided after the other. A world resource is at most one record of a source.

Merges are looked up, not written here: a record stays the resource it was taken in as, and what it says is
recorded as of that origin. What a merged resource is at the source follows the merge (:meth:`Crosswalk.by_world`).
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Sequence
from dataclasses import replace

from adapters.runner.mapped_codings import original
from fhirserver.kernel.frozen import frozen
from fhirserver.kernel.ids import derived_id, is_id
from fhirserver.kernel.instants import comparable
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.references import Literal, parse_reference, walk_references
from fhirserver.ports.ehr import Record
from fhirserver.store.commands import Note
from fhirserver.store.store import Store
from fhirserver.world.entity import Entity
from fhirserver.world.voices import last, voice

RECORD, WORLD = "record", "world"


@frozen
class Link:
    """One record of a source and the world resource it is. ``version`` is the record's, as last taken in.

    ``revision`` counts the changes of the link itself, from 1. ``into`` is the record that the source merged this
    one into. ``seen`` is the instant at which that version was known, kept where what the EHR says may be older.
    """

    source: str
    type: str
    record: str
    world: str
    version: str = ""
    last_updated: str = ""
    deleted: bool = False
    revision: int = 0
    into: str = ""
    seen: str = ""

    def of(self, record: Record, seen: str = "") -> Link:
        """The same link after a newer version of the record was taken in."""
        return replace(
            self,
            version=record.version,
            last_updated=record.last_updated,
            deleted=record.deleted,
            revision=self.revision + 1,
            seen=seen,
        )

    def notes(self) -> Sequence[Note]:
        """The facts that keep the link; refused (409) where somebody else changed it meanwhile."""
        value: JsonObject = {
            "record": self.record,
            "world": self.world,
            "version": self.version,
            "position": self.revision,
        }
        if self.last_updated:
            value["lastUpdated"] = self.last_updated
        if self.deleted:
            value["deleted"] = True
        if self.into:
            value["into"] = self.into
        if self.seen:
            value["seen"] = self.seen
        record = Note(RECORD, f"{self.source}/{self.type}/{self.record}", value, advance=True)
        if self.revision > 1:
            return (record,)
        back: JsonObject = {"record": self.record, "position": 1}
        return (record, Note(WORLD, f"{self.source}/{self.type}/{self.world}", back, advance=True))

    def is_news(self, record: Record) -> bool:
        """Whether the record is neither what was taken in last nor older than that."""
        if record.deleted and self.deleted:
            return False
        if record.version == self.version and record.deleted == self.deleted and record.version:
            return False
        before, now = time_of(self.last_updated), time_of(record.last_updated)
        if before and now and before != now:
            return now > before
        if self.version.isdigit() and record.version.isdigit():
            return int(record.version) > int(self.version)
        return True

    def is_surely_later(self, record: Record) -> bool:
        """Whether the EHR itself says that the record is a later version than the one taken in last."""
        before, now = time_of(self.last_updated), time_of(record.last_updated)
        if before and now and before != now:
            return now > before
        numbers = self.version, record.version
        return all(one.isdigit() for one in numbers) and int(numbers[1]) > int(numbers[0])


def time_of(text: str) -> str:
    """An EHR's instant in the form that is compared; empty for none or for what is no instant."""
    try:
        return comparable(text) if text else ""
    except ValueError:
        return ""


class Unlinked(Exception):
    """A reference points at a resource that the sink does not have yet. Holds ``Type/id`` only."""

    def __init__(self, type: str, id: str):
        self.type, self.id = type, id
        super().__init__(f"{type}/{id} is not in the sink yet")


class Crosswalk:
    """The links of one source.

    ``listened`` (:func:`~fhirserver.ports.ehr.is_listened`): its references are the world's.
    """

    def __init__(self, store: Store, source: str, listened: bool = False):
        self._store, self._source, self._listened = store, source, listened

    @property
    def source(self) -> str:
        """The id of the source whose records these are."""
        return self._source

    async def by_record(self, type: str, record: str) -> Link | None:
        fact = await self._store.fact(RECORD, f"{self._source}/{type}/{record}")
        if fact is None:
            return None
        value = fact.value
        return Link(
            self._source,
            type,
            record,
            value["world"],
            value["version"],
            value.get("lastUpdated", ""),
            value.get("deleted", False),
            value["position"],
            value.get("into", ""),
            value.get("seen", ""),
        )

    async def by_world(self, type: str, world: str) -> Link | None:
        """The record to go on with for a resource: its own, or that of what it is merged with.

        Where the source merged that record itself, the one that it went on with.
        """
        record = await self._record_of(type, world) or await self._record_of_merged(type, world)
        seen: set[str] = set()
        link = await self.by_record(type, record) if record else None
        while link is not None and link.into and link.into not in seen:
            seen.add(link.into)
            link = await self.by_record(type, link.into) or replace(link, into="")
        return link

    async def _record_of_merged(self, type: str, world: str) -> str:
        """The record of what a resource was merged into, or of what was merged into it."""
        await self._store.merges.refresh()
        for place in self._store.merges.relatives(f"{type}/{world}"):
            if record := await self._record_of(type, place.partition("/")[2]):
                return record
        return ""

    @staticmethod
    def voice(link: Link | None, entity: Entity, source: str) -> str:
        """The voice by which a source speaks of a record in the ledger of what that is in the world."""
        if link is None or link.world == entity.key.id:
            return source
        origins = [origin for origin in entity.ledger.merged if last(origin) == link.world]
        return voice(source, origins[0] if origins else "")

    async def is_taken(self, type: str, world: str, record: str) -> bool:
        """Whether the world resource is another record of this source already."""
        holder = await self._record_of(type, world)
        return holder not in ("", record)

    async def free(self, type: str, worlds: Collection[str], record: str) -> list[str]:
        """Those of the world resources that are no other record of this source, in their order."""
        names = {world: (WORLD, f"{self._source}/{type}/{world}") for world in worlds}
        facts = await self._store.facts_named(names.values())
        holders = {world: facts.get(name) for world, name in names.items()}
        return [
            world for world, fact in holders.items() if fact is None or fact.value["record"] in ("", record)
        ]

    def id_of(self, type: str, record: str) -> str:
        """The id in the world of a record that is new there: always the same for the same record."""
        return derived_id(self._source, type, record)

    def fresh(self, type: str, record: str) -> Link:
        """The link of a record new to the world."""
        return self.link(type, record, self.id_of(type, record))

    def link(self, type: str, record: str, world: str) -> Link:
        """A link that is to be made."""
        return Link(self._source, type, record, world)

    async def inward(self, content: JsonObject) -> tuple[JsonObject, list[Note]]:
        """The content with the source's ids in references replaced by the world's.

        The notes keep the way back for records that are not known yet.
        """
        moved: JsonObject = copy.deepcopy(content)
        strangers: dict[str, Note] = {}
        for holder in () if self._listened else walk_references(moved):
            literal = parse_reference(holder["reference"])
            if literal is None or literal.base:
                continue
            link = await self.by_record(literal.type, literal.id) or self.fresh(literal.type, literal.id)
            holder["reference"] = str(Literal(literal.type, link.world))
            if not link.revision and not await self._record_of(link.type, link.world):
                back: JsonObject = {"record": link.record, "position": 0}
                key = f"{self._source}/{link.type}/{link.world}"
                strangers[key] = Note(WORLD, key, back, advance=True)
        return moved, list(strangers.values())

    async def outward(self, content: JsonObject) -> JsonObject:
        """The content with the world's ids in references replaced by the source's, and with codes as they were said:
        translations are ours. Raises :class:`Unlinked`.

        Whom a record is about the source must know also where it is listened to.
        """
        moved: JsonObject = copy.deepcopy(original(content))
        for holder in walk_references(moved):
            literal = parse_reference(holder["reference"])
            if literal is not None and not literal.base and is_id(literal.id):
                link = await self.by_world(literal.type, literal.id)
                record = link.record if link else await self._record_of(literal.type, literal.id)
                if not record and (not self._listened or literal.type == "Patient"):
                    raise Unlinked(literal.type, literal.id)
                if not self._listened:
                    holder["reference"] = f"{literal.type}/{record}"
        return moved

    async def _record_of(self, type: str, world: str) -> str:
        fact = await self._store.fact(WORLD, f"{self._source}/{type}/{world}")
        return str(fact.value["record"]) if fact else ""
