"""The ingest: one message, one command. What it says, that it was said, and by which message stand or fall together."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import field, replace
from zoneinfo import ZoneInfo

from adapters.hl7v2.convert.conversion import Conversion
from adapters.hl7v2.convert.engine import convert
from adapters.hl7v2.convert.site import Site
from adapters.hl7v2.ingest.events import Events, renamed_keys
from adapters.hl7v2.ingest.evidence import entity, evidence, evidence_id
from adapters.hl7v2.ingest.heard import Arrival, Heard, Hearing
from adapters.hl7v2.ingest.identity import Subject, others, patients, united
from adapters.hl7v2.ingest.keys import DIRECTORY
from adapters.hl7v2.ingest.linking import Linked, Linker
from adapters.hl7v2.ingest.patients import Naming
from adapters.hl7v2.ingest.sets import SET, Compared, compared, lists
from adapters.hl7v2.ingest.site_codes import SiteCodes
from adapters.hl7v2.ingest.statements import Statements, Told
from adapters.hl7v2.ingest.timing import effective
from adapters.hl7v2.intake.ingest import Ingested, Lane, Received, Rejected
from adapters.hl7v2.message import Message
from adapters.runner.code_maps import Coder, map_entity
from adapters.runner.tasks import SYSTEM
from fhirserver.kernel.frozen import frozen
from fhirserver.kernel.outcomes import Category, Refusal
from fhirserver.ports.log import Statement
from fhirserver.store.commands import Command, Outcome, Remove, Write
from fhirserver.store.store import Store

log = logging.getLogger("credence.hl7v2")

_TRIES = 60
"""Another worker that takes in many messages about the same patient may be faster many times in a row."""
_METHOD = "hl7v2"
_PLAIN = Site()
Convert = Callable[[Message, Site], Conversion]
"""A message and its site's ways → the resources it speaks of."""


@frozen
class Feed:
    """One feed: the connector's name, and the source that it speaks as.

    ``pushed`` are the types that are written back to the feed's EHR, ``authority`` that of the numbers which we give
    there.
    """

    connector: str
    source: str
    pushed: frozenset[str] = frozenset()
    authority: str = ""


@frozen
class Prepared:
    """A message as writes, before it is submitted."""

    writes: tuple[Write, ...]
    resources: tuple[str, ...]
    unmapped: tuple[str, ...]
    warnings: tuple[str, ...]
    statement: Statement = field(repr=False)
    marks: Mapping[str, bytes] = field(default_factory=dict, repr=False)


class WorldIngest:
    """Takes in the messages of one feed. Implements :class:`adapters.hl7v2.intake.ingest.Ingest`."""

    def __init__(self, store: Store, feed: Feed, convert: Convert = convert, coder: Coder | None = None):
        self._store, self._feed, self._convert, self._coder = store, feed, convert, coder
        self._codes = SiteCodes(coder.maps) if coder is not None else None
        self._lanes = Naming()
        self._linker = Linker(store, feed.source)
        self._hearing = Hearing(store, feed.source)
        self._statements = Statements(store, feed.source, feed.pushed)

    def lane(self, message: Message) -> Lane:
        return self._lanes.lane(message)

    async def ingest(self, received: Received) -> Ingested:
        """Take a message in. Raises :class:`Rejected` for what cannot be."""
        conversion, missing = await self._converted(received)
        for _ in range(_TRIES):
            try:
                async with AsyncExitStack() as places:
                    prepared = await self._prepare(received, conversion, places, missing)
                    outcome = await self._submit(received, prepared)
            except Refusal as refusal:
                if refusal.category is Category.CONFLICT and await self._is_ours(received):
                    continue  # somebody else linked or said something meanwhile: look again
                raise _rejected(refusal) from refusal
            self._statements.committed(prepared.writes, prepared.marks, outcome.results)
            return Ingested(outcome.position, prepared.resources, prepared.unmapped, prepared.warnings)
        raise Rejected("AR", "206", "", "The records are being changed by too many at once")

    async def explained(self, received: Received) -> Prepared:
        """What taking the message in would write. Raises as that does; nothing is written."""
        conversion, missing = await self._converted(received)
        async with AsyncExitStack() as places:
            prepared = await self._prepare(received, conversion, places, missing)
        await self._store.rehearse(Command(prepared.statement, prepared.writes))
        return prepared

    async def _converted(self, received: Received) -> tuple[Conversion, tuple[str, ...]]:
        """The message by its site's ways and the ConceptMaps that are stored now; and those that are missing."""
        site: Site = received.site or _PLAIN
        missing: tuple[str, ...] = ()
        if self._coder is not None and self._codes is not None:
            await self._coder.ready()
            site, missing = self._codes.resolved(site)
        return self._convert(received.message, site), missing

    async def _is_ours(self, received: Received) -> bool:
        """Whether the message may still be taken in: no other arrival of it was meanwhile."""
        receipt = received.receipt
        fact = await self._store.fact("hl7-control", receipt.control_key) if receipt.control_key else None
        return fact is None or bool(fact.value["position"] < receipt.attempt)

    async def _submit(self, received: Received, prepared: Prepared) -> Outcome:
        record = received.receipt.accepted(
            resources=prepared.resources, unmapped=prepared.unmapped, warnings=prepared.warnings
        )
        return await self._store.submit(Command(prepared.statement, (*prepared.writes, *record)))

    async def _prepare(
        self,
        received: Received,
        conversion: Conversion,
        places: AsyncExitStack,
        missing: tuple[str, ...] = (),
    ) -> Prepared:
        """The message as writes on the world as it stands."""
        message = received.message
        id = evidence_id(self._feed.source, received.receipt.digest)
        site: Site = (received.site or _PLAIN).for_sender(*message.sender)
        naming = Naming(site.authorities)
        at = effective(message, received.at, ZoneInfo(site.time_zone))
        arrival = Arrival(id, at, await self._store.read("Binary", id) is not None)
        linked = Linked(places, site.authorities.get(self._feed.authority, self._feed.authority))
        who = patients(conversion, message, naming, id)
        await self._linker.link(_with_former_keys(who, message, naming), linked)
        what = others(conversion, message, naming, id, linked.world)
        await self._linker.link(_with_former_keys(what, message, naming), linked)
        about, maps = await self._coded(united((*who, *what), linked.world), linked, missing)
        heard, sets = await self._before(message, about, linked, arrival)
        focus = tuple([linked.world[one.locals[0]] for one in about])
        cites = (entity(id, message),)
        mapped = tuple(map_entity(one) for one in maps)
        says = Statement(
            self._feed.source,
            principal=self._feed.connector,
            method=_METHOD,
            mode="partial",
            effective=at,
            entity=(*cites, *mapped),
            again=focus,
        )
        told = await self._told(about, linked, message, sets, heard)
        # What an event does it did when the message was taken in first; since then it may have been undone.
        does = Events(self._store, self._linker, naming)
        events = [] if arrival.replayed else await does.writes(message, linked, about)
        kept = evidence(id, message, received.raw, Statement(SYSTEM, method=_METHOD, entity=cites))
        notes = (*linked.notes, *sets.notes, *heard.notes(self._feed.source))
        writes = (kept, *told.writes, *notes, *events)
        references = (f"Binary/{id}", *focus)
        # An event may change what was stated beside it.
        marks = {} if events else told.marks
        return Prepared(writes, references, tuple(conversion.unmapped), tuple(linked.warnings), says, marks)

    async def _coded(
        self, about: list[Subject], linked: Linked, without: tuple[str, ...]
    ) -> tuple[list[Subject], Sequence[str]]:
        """The same with their codes as the connector's ConceptMaps have them, and those maps.

        Only now: what a record is known by must not change with a map.
        """
        if self._coder is None:
            return about, ()
        made, maps, missing = list[Subject](), dict[str, None](), dict.fromkeys(without)
        for one in about:
            coded = self._coder.coded(one.content, one.origin)
            made.append(replace(one, content=coded.content, doubtful=coded.doubtful))
            maps |= dict.fromkeys(coded.maps)
            missing |= dict.fromkeys(coded.missing)
        linked.warnings += [
            f"The ConceptMap {map} is not known here: codes stay as they are" for map in missing
        ]
        return made, tuple(maps)

    async def _before(
        self, message: Message, about: Sequence[Subject], linked: Linked, arrival: Arrival
    ) -> tuple[Heard, Compared]:
        """What the feed said before about whom the message speaks of, and the message's lists beside the last ones."""
        sent = lists(self._feed.source, message, about, linked.world)
        anchors = _anchors(about, linked)
        names = [*(self._hearing.name(anchor) for anchor in anchors), *((SET, key) for key in sent)]
        facts = await self._store.facts_named(names)
        heard = await self._hearing.before(arrival, anchors, facts)
        return heard, compared(sent, facts, heard)

    async def _told(
        self, about: Sequence[Subject], linked: Linked, message: Message, compared: Compared, heard: Heard
    ) -> Told:
        """The statements about the resources of the message, and about those that are in its lists no more."""
        stated = {linked.world[one.locals[0]]: one for one in about if not one.former}
        for reference in compared.late:
            stated.pop(reference, None)
        told = await self._statements.about(stated, linked, message, heard)
        gone = (reference.split("/") for reference in compared.gone)
        return Told((*told.writes, *(Remove(type, id) for type, id in gone)), told.marks)


def _rejected(refusal: Refusal) -> Exception:
    """A refusal as the sender is told it; what is the store's trouble stays a refusal."""
    if refusal.category in (Category.BUSY, Category.FAULT, Category.CONFLICT):
        return refusal
    issue = refusal.issues[0]
    text = f"{', '.join(issue.expression)}: {issue.diagnostics}" if issue.expression else issue.diagnostics
    return Rejected("AE", "207", "", text)


_ANCHORS = frozenset({"Patient", "Encounter", "Appointment"})


def _anchors(about: Sequence[Subject], linked: Linked) -> Sequence[str]:
    """What is kept of a message to tell what comes late is kept at these: at whom, and at which visit, it is about."""
    found = [linked.world[one.locals[0]] for one in about if one.type in _ANCHORS]
    return found or [linked.world[one.locals[0]] for one in about if one.type not in DIRECTORY]


def _with_former_keys(about: Sequence[Subject], message: Message, naming: Naming) -> list[Subject]:
    """The subjects, also known by the numbers that the message says they had before."""
    former = renamed_keys(message, naming, about)
    if not former:
        return [*about]
    return [
        replace(one, keys=(*one.keys, *former.get(one.locals[0], ()))) if one.locals[0] in former else one
        for one in about
    ]
