"""What a message states about each of its resources: in part, at its time, and with what it states to be no more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from adapters.hl7v2.ingest.absences import Absences, absences
from adapters.hl7v2.ingest.checking import check
from adapters.hl7v2.ingest.heard import Heard
from adapters.hl7v2.ingest.identity import Subject
from adapters.hl7v2.ingest.keys import DIRECTORY
from adapters.hl7v2.ingest.linking import Linked
from adapters.hl7v2.ingest.locals import LOCAL
from adapters.hl7v2.ingest.repeating import Repeating, mark_of
from adapters.hl7v2.message import Message
from adapters.runner.code_maps import lowered
from adapters.runner.sent import no_news, read_sent
from fhirserver.kernel.frozen import frozen
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.ports.storage import Key, Row
from fhirserver.store.commands import Put, Write, Written
from fhirserver.store.sent import digest
from fhirserver.store.store import Store
from fhirserver.world.units import Units, split, unit_of_member
from fhirserver.world.voices import voice

_HOLDERS = frozenset({"subject", "patient", "beneficiary", "participant"})
"""Whom a resource is about follows from where its segment stands."""
_SERVER_SAYS = frozenset({"id", "text"})


@frozen
class Told:
    """What is written about resources; ``marks``: of those stated whole, what to know them again by."""

    writes: Sequence[Write]
    marks: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(slots=True)
class Statements:
    """Makes the statements of one source. ``pushed`` are the types that are written to it: there an echo is told."""

    store: Store
    source: str
    pushed: frozenset[str] = frozenset()
    _repeating: Repeating = field(default_factory=Repeating)

    async def about(
        self, stated: Mapping[str, Subject], linked: Linked, message: Message, heard: Heard
    ) -> Told:
        """What is written about the resources (``Type/id``) that a message speaks of."""
        pid = message.first("PID")
        told: list[tuple[Subject, Key, bytes]] = []
        for reference, one in stated.items():
            mark = mark_of(one, linked.world, pid)
            if one.type not in DIRECTORY or not self._repeating.is_recent(reference, mark):
                told.append((one, Key(one.type, reference.partition("/")[2]), mark))
        rows = await self.store.storage.rows([key for _, key, _ in told])
        writes: list[Write] = []
        whole: dict[str, bytes] = {}
        for subject, key, mark in told:
            made = await self._about(subject, linked, message, heard, rows.get(key), mark)
            writes += made.writes
            whole |= made.marks
        return Told(writes, whole)

    async def _about(
        self, subject: Subject, linked: Linked, message: Message, heard: Heard, row: Row | None, mark: bytes
    ) -> Told:
        """What is written about one resource, whose stored ``row`` is given.

        Nothing is stated that was stated last and still stands so, nor again in a replay of what is named in passing.
        """
        reference = linked.world[subject.locals[0]]
        if subject.type in DIRECTORY and row and heard.arrival.replayed:
            return Told(())
        if self._says_nothing(subject, reference, mark, heard, row):
            heard.hear(reference, self._repeating.units(reference))
            return Told(())
        content = _own(subject, reference.partition("/")[2])
        if row is not None:
            content = _without_known_payer(_without_defaults(subject, content), linked, row)
        return await self._stated(subject, linked, content, message, heard, row is not None, mark)

    def _says_nothing(
        self, subject: Subject, reference: str, mark: bytes, heard: Heard, row: Row | None
    ) -> bool:
        """Whether deciding the statement could make no event."""
        if heard.late or subject.type in DIRECTORY or subject.type in self.pushed:
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
        heard: Heard,
        exists: bool,
        mark: bytes,
    ) -> Told:
        reference, type = linked.world[subject.locals[0]], subject.type
        content = linked.resolved(content)
        check(subject, content, exists)
        gone = absences(type, content, subject.absent, message.first("PID"))
        members = len(content)
        if exists and type not in DIRECTORY:
            content, gone = _heard(reference, content, gone, heard)
        id = reference.partition("/")[2]
        sure = await self._echoes(Key(type, id), content) if type in self.pushed else {}
        if doubtful := subject.doubtful & content.keys():
            sure = lowered(sure, {unit_of_member(type, name) for name in doubtful})
        put = Put(type, id, {**content, "id": id}, confidences=sure, absent=gone if gone else None)
        whole = len(content) == members
        return Told((put,), {reference: mark} if whole else {})

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
            if not isinstance(write, Put) or write.statement is not None:
                continue
            reference = f"{write.type}/{write.id}"
            if (mark := marks.get(reference)) is None:
                self._repeating.forget(reference)
                continue
            gone = write.absent.null if isinstance(write.absent, Absences) else ()
            units = tuple(_units(write.type, (*write.content, *gone)))
            self._repeating.keep(reference, mark, 0 if result.named else result.seen, units)


def _heard(reference: str, content: JsonObject, gone: Absences, heard: Heard) -> tuple[JsonObject, Absences]:
    """The statement without what the source has spoken of since; it is heard that it spoke now."""
    type = content["resourceType"]
    if heard.late:
        names = (*content, *gone.null)
        later = {name for name in names if not heard.is_news(reference, unit_of_member(type, name))}
        later.discard("resourceType")
        if later:
            content = {name: value for name, value in content.items() if name not in later}
            gone = gone.without(later)
    heard.hear(reference, _units(type, (*content, *gone.null)))
    return content, gone


def _units(type: str, members: Iterable[str]) -> Iterator[str]:
    """The units of a resource that its members are of, but for what is the server's."""
    return (unit_of_member(type, name) for name in members if name not in ("resourceType", "id"))


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
