"""Inbound: pages of an EHR's records become statements of that source, each page durable before its cursor."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from adapters.runner.belonging import EHR
from adapters.runner.code_maps import Coded, Coder, lowered, map_entity
from adapters.runner.crosswalk import Crosswalk, Link, time_of
from adapters.runner.doubt import Doubt
from adapters.runner.merging import replaced_by, replaces, world_merge, world_unmerge
from adapters.runner.sent import Sent, no_news, read_sent
from adapters.runner.tasks import SYSTEM, intake_task, moved, record_input, requested_intake
from fhirserver.kernel.ids import derived_id
from fhirserver.kernel.instants import Clock, SystemClock, instant
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.model.validation import validate
from fhirserver.ports.ehr import Ehr, EhrError, Gone, Record, is_listened
from fhirserver.ports.log import Statement
from fhirserver.ports.storage import Fact, Key
from fhirserver.search.expression import Query
from fhirserver.store.arrivals import RESOLVED
from fhirserver.store.commands import Command, Note, Put, Remove, Withdraw, Write
from fhirserver.store.counterparts import counterparts
from fhirserver.store.store import Store
from fhirserver.world.entity import Entity
from fhirserver.world.units import Units, split, unit_of_member
from fhirserver.world.view import View
from fhirserver.world.voices import speaker, voice

log = logging.getLogger("credence.runner")

CURSOR, DEAD_LETTER = "cursor", "dead-letter"
WRITEBACK_IDENTIFIER = "https://credence.health/fhir/identifier/writeback"
CURSOR_SECONDS = 300.0
"""How long a cursor that only time moved is kept in memory alone."""
_OUR_OWN = frozenset({"Endpoint", "Task"})
"""What an EHR's record never is, whatever mark it carries: by these the server works."""
_AT_ONCE = 32
_TRIES = 12


class Inbound:
    """Takes in the records of one EHR."""

    def __init__(
        self,
        store: Store,
        ehr: Ehr,
        connector: str,
        source: str,
        clock: Clock | None = None,
        coder: Coder | None = None,
    ):
        self._store, self._ehr, self._connector, self._source = store, ehr, connector, source
        self.connector, self.source = connector, source
        self._clock, self._coder = clock or SystemClock(), coder
        self._cursor: JsonObject | None = None
        self._kept_at = time.monotonic()
        self._dead: set[str] = set()
        self.crosswalk = Crosswalk(store, source, is_listened(ehr))
        self.doubt = Doubt(ehr, self._clock)

    async def pull(self, answered: Callable[[int], None] = lambda records: None) -> int:
        """Take in everything since the cursor. Returns how many records the EHR handed out.

        ``answered`` is told after every page how many records it had.
        """
        fact = await self._store.fact(CURSOR, self._connector)
        await self._load_dead_letters()
        await self._again()
        taken, asked = 0, self._clock.now()
        async for page in self._ehr.pull(self._cursor or (fact.value if fact else None)):
            await self._page(page.records, asked)
            taken += len(page.records)
            await self._keep(page.cursor, fact, bool(page.records) or page.matters)
            answered(len(page.records))
        return taken

    async def _keep(self, cursor: JsonObject, fact: Fact | None, moved: bool) -> None:
        """Make the cursor durable; one that only the passing of time moved, now and then."""
        self._cursor = cursor
        old = time.monotonic() - self._kept_at > CURSOR_SECONDS
        if fact is not None and not (moved or old):
            return
        note = Note(CURSOR, self._connector, cursor)
        await self._store.submit(Command(Statement(self._source, method="pull"), (note,)))
        self._kept_at = time.monotonic()

    async def _page(self, records: Sequence[Record], asked: datetime) -> None:
        for start in range(0, len(records), _AT_ONCE):
            lot = records[start : start + _AT_ONCE]
            await asyncio.gather(*(self.take(record, asked=asked) for record in lot))

    async def take(self, record: Record, set_back: bool = False, asked: datetime | None = None) -> bool:
        """One record; False where nothing was taken. What is no news is left; what cannot be taken in becomes a
        dead letter. ``set_back``: the EHR is known to have gone back to this version. ``asked``: when the EHR was asked
        for it at the earliest; what may be older than what is known by now is read again. Raises :class:`EhrError`."""
        for _ in range(_TRIES):
            link = await self.crosswalk.by_record(record.type, record.id)
            if record.deleted if link is None else not (set_back or link.is_news(record)):
                return False
            if link is not None and asked is not None and self.doubt.about(link, record, asked):
                record, asked = await self.doubt.read_again(record)
                continue
            try:
                await self._take(record, link, set_back)
                return True
            except Refusal as refusal:
                if refusal.category is Category.CONFLICT:
                    continue  # somebody else linked or took in the record meanwhile: look again
                if refusal.category in (Category.BUSY, Category.FAULT):
                    raise
                await self._dead_letter(record, refusal)
                return False
        raise refuse(Category.BUSY, "transient", f"A {record.type} is being changed by too many at once")

    async def _take(self, record: Record, link: Link | None, set_back: bool = False) -> None:
        if not record.deleted:
            _check(own_words(record.content))
        if link is not None or record.type not in RESOLVED:
            await self._state(record, link or await self._new_link(record), set_back)
            return
        content, _ = await self.crosswalk.inward(own_words(record.content))
        async with self._store.arrivals.of(self._source, content):
            await self._state(record, await self._new_link(record))

    async def _state(self, record: Record, link: Link, set_back: bool = False) -> None:
        link, merging = await self._merging(record, link)
        writes = (*await self.statement(record, link), *merging)
        if set_back:
            writes = (*await self._taken_back(record, link), *writes)
        if record.reference in self._dead:
            writes = (*writes, *await self._settled(record))
        await self._store.submit(Command(self._says(record), writes))
        self._dead.discard(record.reference)

    async def _taken_back(self, record: Record, link: Link) -> tuple[Write, ...]:
        """What the EHR said since it said this: it has forgotten it, so that its older word is its last one again."""
        entity, origin = await self._store.standing(record.type, link.world)
        if entity is None or origin or entity.ledger.view(self._source) is None:
            return ()
        return (Withdraw(record.type, entity.key.id, self._source, reason="The EHR was set back"),)

    async def _merging(self, record: Record, link: Link) -> tuple[Link, Sequence[Write]]:
        """What a record says of having replaced others or been replaced, beside its content."""
        into, writes = replaced_by(record), list[Write]()
        if into and into != link.into and (survivor := await self._survivor(record.type, into)):
            link = replace(link, into=into)
            writes += await world_merge(self._store, link, survivor, taken=link)
        elif link.into and not into and not record.deleted and record.content.get("active") is True:
            writes += await world_unmerge(self._store, link)
            link = replace(link, into="")
        for id in replaces(record):
            gone = await self.crosswalk.by_record(record.type, id)
            if gone is not None and gone.into != record.id:
                writes += replace(gone, into=record.id, revision=gone.revision + 1).notes()
                writes += await world_merge(self._store, gone, link, taken=link)
        return link, writes

    async def _survivor(self, resource: str, id: str) -> Link | None:
        """The link of a record that replaces another: it is read and taken in where it is not known yet."""
        known = await self.crosswalk.by_record(resource, id)
        if known is not None:
            return known
        try:
            record = await self._ehr.read(resource, id)
        except EhrError as error:
            log.warning("%s: what replaces a record was not read: %s", self._connector, type(error).__name__)
            return None
        await self.take(record)
        return await self.crosswalk.by_record(resource, id)

    async def words(self, record: Record) -> JsonObject:
        """What the record says of the world, as it is stated."""
        coded = await self._coded(own_words(record.content))
        return (await self.crosswalk.inward(coded.content))[0]

    async def _coded(self, content: JsonObject) -> Coded:
        """The record with its codes as the connector's ConceptMaps have them, by the maps that are stored now."""
        if self._coder is None:
            return Coded(content)
        await self._coder.ready()
        coded = self._coder.coded(content)
        for map in coded.missing:
            log.warning(
                "%s: the ConceptMap %s is not known here; codes stay as they are", self._connector, map
            )
        return coded

    def _says(self, record: Record, method: str = "pull", maps: Sequence[str] = ()) -> Statement:
        return Statement(
            self._source,
            principal=self._connector,
            method=method,
            mode="partial" if record.partial else "",
            effective=time_of(record.last_updated),
            entity=(
                {"role": "source", "what": {"display": f"{record.reference}/_history/{record.version}"}},
                *map(map_entity, maps),
            ),
        )

    async def statement(self, record: Record, link: Link, answer: bool = False) -> tuple[Write, ...]:
        """What the record says of the world, with the link kept. ``answer``: it is one to a write of ours."""
        notes = link.of(record, self.doubt.now()).notes()
        if record.deleted:
            return (Remove(record.type, link.world, statement=self._says(record)), *notes)
        coded = await self._coded(own_words(record.content))
        content, strangers = await self.crosswalk.inward(coded.content)
        content = {**content, "id": link.world}
        key = Key(record.type, link.world)
        sent = await read_sent(self._store, self._source, key)
        entity, origin = await self._store.standing(*key)
        view = entity.ledger.view(voice(self._source, origin)) if entity else None
        says = self._says(record, "writeback" if answer else "pull", coded.maps)
        put = self._put(says, content, view, sent, answer)
        if entity is not None and put.confidences:
            put = replace(
                put, confidences=no_news(entity, split(record.type, content), put.confidences, sent)
            )
        if coded.doubtful:
            units = {unit_of_member(record.type, name) for name in coded.doubtful}
            put = replace(put, confidences=lowered(put.confidences, units))
        if entity is not None and self._is_of_others_too(entity):
            put = _beside_others(put, says)
        return (put, *notes, *(note for note in strangers if note.key != _world_key(link)))

    def _put(self, says: Statement, content: JsonObject, view: View | None, sent: Sent, answer: bool) -> Put:
        """The statement. The first answer to our own create is silent on what we did not send."""
        before: Units = view.units if view is not None and view.deleted is None else {}
        type = content["resourceType"]
        stated = split(type, content)
        echoes = sent.echoes(before, stated, answer)
        if echoes and view is None:
            base = self._store.policies.source(self._source).base
            says = replace(says, confidence=Decimal(0))
            echoes = {**dict.fromkeys(stated, base), **echoes}
        return Put(type, content["id"], content, confidences=echoes, statement=says)

    def _is_of_others_too(self, entity: Entity) -> bool:
        """Whether another EHR keeps a record of it."""
        speakers = {speaker(view.source) for view in entity.ledger.views if view.deleted is None}
        known = (self._store.policies.sources.get(one) for one in speakers - {self._source})
        return any(source is not None and source.kind == EHR for source in known)

    async def _new_link(self, record: Record) -> Link:
        """Our own mark decides, then what is certainly the same; otherwise the record is new to the world."""
        ours = our_mark(record.content)
        if (
            ours
            and ours[0] == record.type
            and record.type not in _OUR_OWN
            and await self._store.entity(*ours)
        ):
            if not await self.crosswalk.is_taken(*ours, record.id):
                return self.crosswalk.link(record.type, record.id, ours[1])
        elif record.type in RESOLVED and (found := await self._counterpart(record)):
            return self.crosswalk.link(record.type, record.id, found)
        return self.crosswalk.fresh(record.type, record.id)

    async def _counterpart(self, record: Record) -> str:
        """The id of the resource that the record certainly is of and that no other record of the EHR is; or empty."""
        content, _ = await self.crosswalk.inward(own_words(record.content))
        for id in await counterparts(self._store, content):
            if not await self.crosswalk.is_taken(record.type, id, record.id):
                return id
        return ""

    async def _load_dead_letters(self) -> None:
        prefix = f"{self._source}/"
        facts = await self._store.facts(DEAD_LETTER, prefix)
        self._dead = {fact.key.removeprefix(prefix) for fact in facts if "issues" in fact.value}

    async def _dead_letter(self, record: Record, refusal: Refusal) -> None:
        """Keep the record as it came, and show a failed Task until it can be taken in."""
        log.warning("%s: a %s was not taken in: %s", self._connector, record.type, refusal.category.name)
        value: JsonObject = {
            "version": record.version,
            "issues": [issue.as_json() for issue in refusal.issues],
            "content": record.content,
        }
        reference = f"{record.reference}/_history/{record.version}"
        at = instant(self._clock.now())
        before = await self._store.read("Task", self._task_id(record))
        if before is not None and not before.deleted:
            at = loads(before.content).get("authoredOn", at)
        task = intake_task(self._connector, reference, refusal.issues, at)
        note = Note(DEAD_LETTER, f"{self._source}/{record.reference}", value)
        await self._store.submit(Command(self._system(), (note, Put("Task", self._task_id(record), task))))
        self._dead.add(record.reference)

    async def _settled(self, record: Record) -> tuple[Write, ...]:
        """The dead letter of a record that can be taken in now."""
        note = Note(DEAD_LETTER, f"{self._source}/{record.reference}", {"version": record.version})
        version = await self._store.read("Task", self._task_id(record))
        if version is None or version.deleted:
            return (note,)
        task = moved(loads(version.content), "completed", "Taken in")
        return (note, Put("Task", version.id, task, statement=self._system()))

    async def _again(self) -> None:
        """Read anew the records that an operator wants tried again."""
        page = await self._store.search(Query("Task", requested_intake(self._connector), count=100))
        for version in page.versions:
            task = moved(loads(version.content), "in-progress")
            await self._store.submit(Command(self._system(), (Put("Task", version.id, task),)))
            try:
                await self.take(await self._ehr.read(*record_input(task)))
            except Gone:
                gone = moved(task, "cancelled", "The record is not in the EHR any more")
                await self._store.submit(Command(self._system(), (Put("Task", version.id, gone),)))
            except EhrError as error:
                log.warning("%s: a record was not read again: %s", self._connector, type(error).__name__)

    def _task_id(self, record: Record) -> str:
        return derived_id("intake", self._connector, record.type, record.id)

    def _system(self) -> Statement:
        return Statement(SYSTEM, principal=f"intake:{self._connector}", method="intake")


def _beside_others(put: Put, says: Statement) -> Put:
    """The same statement where another EHR has a record of its own about this.

    That an EHR does not have what it never had (the other's number, a second phone, a name in another form) says
    nothing of the other's: that it is no more is said only of what it had itself.
    """
    return replace(
        put, statement=replace(put.statement or says, mode="partial"), absent=lambda own, world: own
    )


def _world_key(link: Link) -> str:
    return f"{link.source}/{link.type}/{link.world}"


def own_words(content: JsonObject) -> JsonObject:
    """The record as the EHR means it: without its id and version, and without the marks of our writes."""
    words: JsonObject = {}
    for name, value in content.items():
        if name == "meta":
            value = _own_meta(value)
        elif name == "identifier" and isinstance(value, list):
            value = [item for item in value if _system_of(item) != WRITEBACK_IDENTIFIER]
        if name != "id" and value not in ({}, []):
            words[name] = value
    return words


def _own_meta(meta: object) -> JsonObject:
    if not isinstance(meta, Mapping):
        return {}
    kept = {name: meta[name] for name in ("profile", "security", "tag") if name in meta}
    if isinstance(kept.get("tag"), list):
        kept["tag"] = [tag for tag in kept["tag"] if _system_of(tag) != WRITEBACK_IDENTIFIER]
    return {name: value for name, value in kept.items() if value}


def _system_of(item: object) -> str:
    return str(item.get("system", "")) if isinstance(item, Mapping) else ""


def our_mark(content: JsonObject) -> Key | None:
    """The world resource whose key our own create left in the record."""
    identifiers, meta = content.get("identifier"), content.get("meta")
    marked = list(identifiers) if isinstance(identifiers, list) else []
    tags = meta.get("tag") if isinstance(meta, dict) else None
    marked += tags if isinstance(tags, list) else []
    for item in marked:
        if _system_of(item) == WRITEBACK_IDENTIFIER:
            text = str(item.get("value") or item.get("code") or "").partition("@")[0]
            type, _, id = text.partition("/")
            return Key(type, id)
    return None


def _check(content: JsonObject) -> None:
    issues = [issue for issue in validate(content) if issue.severity in ("error", "fatal")]
    if issues:
        raise Refusal(Category.UNPROCESSABLE, issues)
