"""What a message states about each of its resources: in part, at its time, and with what it states to be no more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from adapters.hl7v2.ingest.absences import Absences, absences
from adapters.hl7v2.ingest.checking import check
from adapters.hl7v2.ingest.heard import HEARD, Arrival, Hearing
from adapters.hl7v2.ingest.identity import Subject
from adapters.hl7v2.ingest.keys import DIRECTORY
from adapters.hl7v2.ingest.linking import Linked
from adapters.hl7v2.ingest.locals import LOCAL
from adapters.hl7v2.ingest.repeating import Repeating, mark_of
from adapters.hl7v2.message import Message
from adapters.runner.sent import no_news, read_sent
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.ports.storage import Key, Row
from fhirserver.store.commands import Note, Put, Write, Written
from fhirserver.store.sent import digest
from fhirserver.store.store import Store
from fhirserver.world.units import Units, split
from fhirserver.world.voices import voice

_HOLDERS = frozenset({"subject", "patient", "beneficiary", "participant"})
"""Whom a resource is about follows from where its segment stands."""
_SERVER_SAYS = frozenset({"id", "text"})


@dataclass(frozen=True, slots=True)
class Told:
    """What is written about a resource; ``marks``: of what is stated whole, what to know it again by."""

    writes: Sequence[Write]
    marks: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(slots=True)
class Statements:
    """Makes the statements of one source. ``pushed`` are the types that are written to it: there an echo is told."""

    store: Store
    source: str
    pushed: frozenset[str] = frozenset()
    _repeating: Repeating = field(default_factory=Repeating)
    _hearing: Hearing = field(init=False)

    def __post_init__(self) -> None:
        self._hearing = Hearing(self.store, self.source)

    async def about(
        self, subject: Subject, linked: Linked, message: Message, arrival: Arrival, row: Row | None
    ) -> Told:
        """What is written about one resource, whose stored ``row`` is given.

        Nothing is stated that was stated last and still stands so, nor again in a replay of what is named in passing.
        """
        reference = linked.world[subject.locals[0]]
        passing, mark = subject.type in DIRECTORY, mark_of(subject, linked.world, message.first("PID"))
        if passing and (self._repeating.is_recent(reference, mark) or (row and arrival.replayed)):
            return Told(())
        content = _own(subject, reference.partition("/")[2])
        if row is not None:
            content = _without_known_payer(_without_defaults(subject, content), linked, row)
        if self._says_nothing(subject, reference, mark, arrival, row):
            gone = absences(subject.type, content, subject.absent, message.first("PID"))
            return Told((await self._heard(reference, content, gone, arrival))[2])
        return await self._stated(subject, linked, content, message, arrival, row is not None, mark)

    def _says_nothing(
        self, subject: Subject, reference: str, mark: bytes, arrival: Arrival, row: Row | None
    ) -> bool:
        """Whether deciding the statement could make no event."""
        if subject.type in DIRECTORY or subject.type in self.pushed or arrival.replayed:
            return False
        if not self._repeating.is_again(reference, mark, row):
            return False
        policies = self.store.policies
        return not policies.policy.decaying(subject.type, policies.source(self.source).kind)

    async def _stated(
        self,
        subject: Subject,
        linked: Linked,
        content: JsonObject,
        message: Message,
        arrival: Arrival,
        exists: bool,
        mark: bytes,
    ) -> Told:
        reference, type = linked.world[subject.locals[0]], subject.type
        notes: Sequence[Write] = ()
        content = linked.resolved(content)
        check(subject, content, exists)
        gone = absences(type, content, subject.absent, message.first("PID"))
        members = len(content)
        if exists and type not in DIRECTORY:
            content, gone, notes = await self._heard(reference, content, gone, arrival)
        id = reference.partition("/")[2]
        sure = await self._echoes(Key(type, id), content) if type in self.pushed else {}
        put = Put(type, id, {**content, "id": id}, confidences=sure, absent=gone if gone else None)
        whole = len(content) == members
        return Told((put, *notes), {reference: mark} if whole else {})

    async def _heard(
        self, reference: str, content: JsonObject, gone: Absences, arrival: Arrival
    ) -> tuple[JsonObject, Absences, Sequence[Write]]:
        """The statement without what the source has spoken of since, and the fact that it spoke now."""
        type = content["resourceType"]
        heard = await self._hearing.read(reference)
        members = [name for name in (*content, *gone.null) if name != "resourceType"]
        later = heard.later_than(arrival, type, members)
        if later:
            content = {name: value for name, value in content.items() if name not in later}
            gone = gone.without(later)
        news = heard.with_news(arrival, type, members)
        notes = (news.note(self.source, reference),) if news.times != heard.times else ()
        return content, gone, notes

    async def _echoes(self, key: Key, content: JsonObject) -> dict[str, Decimal]:
        """The units in which the feed only says what its EHR was sent: no surer than they were then.

        That may be before the answer to what was sent, or after it: then they are what the answer stated.
        """
        sent = await read_sent(self.store, self.source, key)
        if not (sent.tried or sent.told):
            return {}
        entity, origin = await self.store.standing(*key)
        view = entity.ledger.view(voice(self.source, origin)) if entity else None
        before: Units = view.units if view is not None and view.deleted is None else {}
        stated = split(key.type, content)
        found = sent.echoes(before, stated, False)
        for unit, value in stated.items():
            stamp = view.stamp(unit) if view is not None and unit in before else None
            if stamp is None or stamp.confidence >= 1 or digest(value) not in sent.told.get(unit, ()):
                continue
            if digest(before[unit]) == digest(value):
                found[unit] = stamp.confidence
        return no_news(entity, stated, found, sent) if entity else found

    def committed(
        self, writes: Sequence[Write], marks: Mapping[str, bytes], results: Sequence[Written]
    ) -> None:
        """Remember what was stated, now that it is durable. ``results`` are what became of the writes."""
        for write, result in zip(writes, results, strict=False):
            if isinstance(write, Put) and write.statement is None:
                reference = f"{write.type}/{write.id}"
                if (mark := marks.get(reference)) is None:
                    self._repeating.forget(reference)
                else:
                    self._repeating.keep(reference, mark, 0 if result.named else result.seen)
            elif isinstance(write, Note) and write.kind == HEARD:
                self._hearing.keep(write)

    def refused(self, writes: Sequence[Write]) -> None:
        """What was thought to be known of these may be out of date."""
        for write in writes:
            if isinstance(write, Note) and write.kind == HEARD:
                self._hearing.forget(write)


def _without_defaults(subject: Subject, content: JsonObject) -> JsonObject:
    """What the message says of a resource that is there: not what a new one would have for want of a word."""
    gone = subject.supplied - subject.origin.keys() - _HOLDERS
    return {name: value for name, value in content.items() if name not in gone}


def _without_known_payer(content: JsonObject, linked: Linked, row: Row) -> JsonObject:
    """A cover without its payer where that is the one by whose name the world knows it.

    The message names the payer as an organisation of its own, which only says again who it was told that pays; no other
    EHR would know that organisation.
    """
    payers = content.get("payor", ()) if content["resourceType"] == "Coverage" else ()
    names = {linked.names.get(str(one.get("reference")).removeprefix(LOCAL), "") for one in payers}
    if not names or "" in names or row.version.deleted:
        return content
    known = loads(row.version.content).get("payor", ())
    if any(one.get("reference") for one in known) or names != {one.get("display") for one in known}:
        return content
    return {name: value for name, value in content.items() if name != "payor"}


def _own(subject: Subject, id: str) -> JsonObject:
    """The content as it is stated: what is of the record, not of the conversion, and not the number that we gave it."""
    gone = _SERVER_SAYS | ({"link"} if subject.type == "Patient" else frozenset())
    content = {name: value for name, value in subject.content.items() if name not in gone}
    numbers = content.get("identifier")
    if isinstance(numbers, list) and any(one.get("value") == id for one in numbers):
        content["identifier"] = [one for one in numbers if one.get("value") != id]
        if not content["identifier"]:
            del content["identifier"]
    return content
