"""What a message states about each of its resources: in part, at its time, and with what it states to be no more."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from adapters.hl7v2.ingest.absences import Absences, absences
from adapters.hl7v2.ingest.checking import check
from adapters.hl7v2.ingest.heard import Arrival, read_heard
from adapters.hl7v2.ingest.identity import Subject
from adapters.hl7v2.ingest.keys import DIRECTORY
from adapters.hl7v2.ingest.linking import Linked
from adapters.hl7v2.message import Message
from adapters.runner.sent import read_sent
from fhirserver.kernel.json import JsonObject, dumps
from fhirserver.ports.storage import Key
from fhirserver.store.commands import Put, Write
from fhirserver.store.sent import digest
from fhirserver.store.store import Store
from fhirserver.world.units import Units, same, split
from fhirserver.world.voices import voice

REPEATED_SECONDS = 60.0
"""How long a place or person named in passing need not be stated again as it was stated before."""
_REMEMBERED = 20_000
_HOLDERS = frozenset({"subject", "patient", "beneficiary", "participant"})
"""Whom a resource is about follows from where its segment stands."""
_SERVER_SAYS = frozenset({"id", "text"})


@dataclass(slots=True)
class Statements:
    """Makes the statements of one source. ``pushed`` are the types that are written to it: there an echo is told."""

    store: Store
    source: str
    pushed: frozenset[str] = frozenset()
    _passing: OrderedDict[str, tuple[bytes, float]] = field(default_factory=OrderedDict)

    async def about(
        self, subject: Subject, linked: Linked, message: Message, arrival: Arrival
    ) -> list[Write]:
        """The writes about one resource; none where it is named in passing as it was a moment ago, or in a replay."""
        reference = linked.world[subject.locals[0]]
        content = linked.resolved(_own(subject, reference.partition("/")[2]))
        if subject.type in DIRECTORY and self._is_repeated(reference, content):
            return []
        known = await self.store.read(*reference.split("/"))
        exists = known is not None
        if exists and arrival.replayed and subject.type in DIRECTORY:
            return []
        if exists:
            content = _without_defaults(subject, content)
        check(subject, content, exists)
        gone = absences(subject.type, content, subject.absent, message.first("PID"))
        writes: list[Write] = []
        if exists and subject.type not in DIRECTORY:
            content, gone, heard = await self._heard(reference, content, gone, arrival)
            writes += heard
        id = reference.partition("/")[2]
        sure = await self._echoes(Key(subject.type, id), content) if subject.type in self.pushed else {}
        said = {**content, "id": id}
        return [Put(subject.type, id, said, confidences=sure, absent=gone if gone else None), *writes]

    async def _heard(
        self, reference: str, content: JsonObject, gone: Absences, arrival: Arrival
    ) -> tuple[JsonObject, Absences, list[Write]]:
        """The statement without what the source has spoken of since, and the fact that it spoke now."""
        type = content["resourceType"]
        heard = await read_heard(self.store, self.source, reference)
        members = [name for name in (*content, *gone.null) if name != "resourceType"]
        later = heard.later_than(arrival, type, members)
        content = {name: value for name, value in content.items() if name not in later}
        news = heard.with_news(arrival, type, members)
        notes: list[Write] = [news.note(self.source, reference)] if news.times != heard.times else []
        return content, gone.without(later), notes

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
        found = {unit: sure for unit, sure in sent.echoes(before, stated, False).items() if sure < 1}
        for unit, value in stated.items():
            stamp = view.stamp(unit) if view is not None and unit in before else None
            if stamp is None or stamp.confidence >= 1 or digest(value) not in sent.told.get(unit, ()):
                continue
            if same(before[unit], value):
                found[unit] = stamp.confidence
        return found

    def _is_repeated(self, reference: str, content: JsonObject) -> bool:
        """Whether just this was stated a moment ago."""
        digest, now = hashlib.blake2b(dumps(content), digest_size=16).digest(), time.monotonic()
        before = self._passing.get(reference)
        return before is not None and before[0] == digest and now - before[1] < REPEATED_SECONDS

    def committed(self, writes: Sequence[Write]) -> None:
        """Remember what was stated in passing, now that it is durable."""
        for write in writes:
            if isinstance(write, Put) and write.type in DIRECTORY and write.statement is None:
                content = {name: value for name, value in write.content.items() if name != "id"}
                digest = hashlib.blake2b(dumps(content), digest_size=16).digest()
                self._passing[f"{write.type}/{write.id}"] = (digest, time.monotonic())
        while len(self._passing) > _REMEMBERED:
            self._passing.popitem(last=False)


def _without_defaults(subject: Subject, content: JsonObject) -> JsonObject:
    """What the message says of a resource that is there: not what a new one would have for want of a word."""
    gone = subject.supplied - subject.origin.keys() - _HOLDERS
    return {name: value for name, value in content.items() if name not in gone}


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
