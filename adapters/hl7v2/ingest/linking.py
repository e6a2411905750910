"""From records of the source to resources of the world: the crosswalk asked, counterparts found, new ones named."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace

from adapters.hl7v2.ingest.checking import check
from adapters.hl7v2.ingest.identity import Subject
from adapters.hl7v2.ingest.locals import LOCAL, LOCALS
from adapters.runner.crosswalk import RECORD, Crosswalk, Link
from fhirserver.kernel.ids import is_id
from fhirserver.kernel.json import JsonObject, dumps, loads
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.store.arrivals import RESOLVED
from fhirserver.store.commands import Note
from fhirserver.store.counterparts import counterparts
from fhirserver.store.store import Store

LINKED = RESOLVED | {
    "Encounter",
    "Appointment",
    "RelatedPerson",
    "Account",
    "ServiceRequest",
    "DiagnosticReport",
    "MedicationRequest",
    "Immunization",
    "DocumentReference",
}
"""Types of which the crosswalk keeps the records: those with several numbers, or that may be known already. The id of
any other follows from its one key."""
_KEPT = 50_000


@dataclass(slots=True)
class Linked:
    """The resources of a message as the world names them, and the facts that keep it so.

    ``places`` are held until the message is committed, against other sources that bring the same at the same moment.
    ``ours`` is the authority of the numbers that we gave to what the source was sent. ``world`` maps a name in the
    conversion to ``Type/id``, ``made`` type and key of a record to an id, ``names`` a name in the conversion to that of
    the organisation.
    """

    places: AsyncExitStack
    ours: str = ""
    world: dict[str, str] = field(default_factory=dict)
    made: dict[tuple[str, str], str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def reference(self, local: str) -> str:
        return self.world[local]

    def compared(self, content: JsonObject) -> JsonObject:
        """The content as it is compared with what is stored: who pays for a cover also by name."""
        payers = [dict(payer) for payer in content.get("payor") or ()]
        for payer in payers:
            local = str(payer.get("reference") or "").removeprefix(LOCAL)
            if name := self.names.get(local):
                payer.setdefault("display", name)
        return self.resolved({**content, "payor": payers} if payers else content, known_only=True)

    def resolved(self, content: JsonObject, known_only: bool = False) -> JsonObject:
        """A copy of the content whose references lead to the world. Refuses (422) one to what is not of the message.

        ``known_only``: what is not linked yet is left as it is.
        """

        def found(match: re.Match[bytes]) -> bytes:
            world = self.world.get(match[1].decode())
            if world is not None:
                return b'"reference":"' + world.encode() + b'"'
            if known_only:
                return match[0]
            text = "The conversion refers to a resource that it did not make"
            raise refuse(Category.UNPROCESSABLE, "not-found", text, content["resourceType"])

        return dict(loads(LOCALS.sub(found, dumps(content))))


class Linker:
    """Links the records of one source. What was found is kept: a record stays the resource it was taken in as."""

    def __init__(self, store: Store, source: str):
        self._store, self._source = store, source
        self.crosswalk = Crosswalk(store, source)
        self._known: OrderedDict[tuple[str, str], str] = OrderedDict()

    async def link(self, subjects: Sequence[Subject], linked: Linked) -> None:
        """Link each subject, beside those that are linked already. Those that others refer to come first."""
        for subject in in_order(subjects):
            if subject.former:
                known = await self.record(subject.type, subject.keys)
                world = known.world if known else self.crosswalk.id_of(subject.type, subject.keys[0])
            elif subject.type in LINKED and not subject.own:
                world = self._as_ever(subject, linked) or await self._linked(subject, linked)
            else:
                world = self.crosswalk.id_of(subject.type, subject.keys[0])
            for local in subject.locals:
                linked.world[local] = f"{subject.type}/{world}"
                if subject.type == "Organization":
                    linked.names[local] = str(subject.content.get("name") or "")

    async def record(self, type: str, keys: Sequence[str]) -> Link | None:
        """The link of the first key that is known: that of the record itself, whichever of its names was asked for."""
        for key in keys:
            link = await self.crosswalk.by_record(type, key)
            if link is not None:
                return await self.main(link)
        return None

    async def main(self, link: Link) -> Link:
        """The link under which the way back is kept, of a record with several names."""
        fact = await self._store.fact("world", f"{self._source}/{link.type}/{link.world}")
        record = str(fact.value["record"]) if fact else link.record
        return link if record == link.record else (await self.crosswalk.by_record(link.type, record) or link)

    def _as_ever(self, subject: Subject, linked: Linked) -> str:
        """The resource that all keys of a subject are kept as, as of nearly every subject; empty where it is to ask."""
        type, keys, made = subject.type, subject.keys, linked.made
        first = type, keys[0]
        world = made.get(first) or self._known.get(first)
        if not world:
            return ""
        for key in keys[1:]:
            if (made.get((type, key)) or self._known.get((type, key))) != world:
                return ""
        for key in keys:
            made[type, key] = world
        return world

    async def _linked(self, subject: Subject, linked: Linked) -> str:
        type = subject.type
        known: dict[str, str] = {}
        for key in subject.keys:
            name = type, key
            if world := linked.made.get(name) or self._known.get(name) or await self._world_of(type, key):
                known[key] = world
        world = next(iter(known.values()), "") or await self._held(subject, linked)
        if not world:
            link = replace(await self._new(subject, linked), revision=1)
            world = link.world
            linked.notes += link.notes()
            known[link.record] = world
        for key in subject.keys:
            linked.made.setdefault((type, key), known.get(key, world))
            if key not in known:
                linked.notes.append(self.alias(subject.type, key, world))
            elif known[key] != world:
                linked.warnings.append(
                    f"{subject.segment or subject.type}: its numbers are of two {subject.type}s"
                )
        return world

    def alias(self, type: str, key: str, world: str) -> Note:
        """The fact that a further name of a record leads to the same resource."""
        value: JsonObject = {"record": key, "world": world, "version": "", "position": 1}
        return Note(RECORD, f"{self._source}/{type}/{key}", value, advance=True)

    async def _world_of(self, type: str, key: str) -> str:
        """The resource that a record is, which is kept: never another one once it was taken in."""
        link = await self.crosswalk.by_record(type, key)
        if link is None:
            return ""
        self._known[type, key] = link.world
        if len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return link.world

    async def _sent(self, subject: Subject, ours: str) -> str:
        """The resource that the source was sent and that comes back before its answer, by the number we gave it."""
        for key in subject.keys:
            id = _of_ours(key, ours)
            if not id or await self._store.entity(subject.type, id) is None:
                continue
            if not await self.crosswalk.is_taken(subject.type, id, subject.keys[0]):
                return id
        return ""

    async def _new(self, subject: Subject, linked: Linked) -> Link:
        """A record that is new: our own number decides, then what it certainly is, if no other record of the source is
        that; else it is new itself."""
        record = subject.keys[0]
        if sent := await self._sent(subject, linked.ours):
            return self.crosswalk.link(subject.type, record, sent)
        if subject.type in RESOLVED:
            content = linked.compared(subject.content)
            check(subject, content, exists=True)
            await linked.places.enter_async_context(self._store.arrivals.of(self._source, content))

            async def free(ids: Collection[str]) -> Sequence[str]:
                return await self.crosswalk.free(subject.type, ids, record)

            for id in await counterparts(self._store, content, free):
                return self.crosswalk.link(subject.type, record, id)
        return self.crosswalk.fresh(subject.type, record)

    async def _held(self, subject: Subject, linked: Linked) -> str:
        """The cover that a record certainly is and that the source has under another name; empty for none.

        A cover has no number: its name follows from what is said of it, such as how its payer is written.
        """
        if subject.type != "Coverage":
            return ""
        content = linked.compared(subject.content)
        named = {id for (type, _), id in linked.made.items() if type == subject.type}
        for id in await counterparts(self._store, content):
            if id not in named and await self.crosswalk.is_taken(subject.type, id, subject.keys[0]):
                return id
        return ""


def _of_ours(key: str, ours: str) -> str:
    """The number in a key under our own authority; empty for others."""
    authority, _, value = key.removeprefix("PLAC:").rpartition("|")
    return value if ours and authority == ours and is_id(value) else ""


def in_order(subjects: Sequence[Subject]) -> list[Subject]:
    """The subjects, each after those that it refers to as far as there is no circle."""
    holders: Mapping[str, Subject] = {local: one for one in subjects for local in one.locals}
    done: list[Subject] = []
    met: set[int] = set()
    for one in subjects:
        if id(one) not in met:
            _visit(one, holders, done, met)
    return done


def _visit(one: Subject, holders: Mapping[str, Subject], done: list[Subject], met: set[int]) -> None:
    """Not a function within: one that calls itself is a circle, and keeps all it sees until it is collected."""
    met.add(id(one))
    for local in one.refers:
        other = holders.get(local)
        if other is not None and id(other) not in met:
            _visit(other, holders, done, met)
    done.append(one)
