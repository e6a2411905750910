"""Inbound: pages of an EHR's records become statements of that source, each page durable before its cursor."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from decimal import Decimal

from adapters.runner.crosswalk import Crosswalk, Link
from fhirserver.kernel.instants import comparable
from fhirserver.kernel.json import Json, JsonObject
from fhirserver.kernel.outcomes import Category, Refusal
from fhirserver.model.validation import validate
from fhirserver.ports.ehr import Ehr, Record
from fhirserver.ports.log import Statement
from fhirserver.search.expression import Or, Query, TokenIs
from fhirserver.store.commands import Command, Note, Put, Remove, Write
from fhirserver.store.store import Store
from fhirserver.world.entity import Entity
from fhirserver.world.survivorship import wins
from fhirserver.world.units import same, split

log = logging.getLogger("credence.runner")

CURSOR, SENT = "cursor", "sent"
WRITEBACK_IDENTIFIER = "https://credence.health/fhir/identifier/writeback"
_AT_ONCE = 32
_MATCHED = frozenset({"Patient", "Practitioner", "Organization", "Location"})
"""Types whose records are matched to known resources by a shared identifier."""


class Inbound:
    """Takes in the records of one EHR."""

    def __init__(self, store: Store, ehr: Ehr, connector: str, source: str):
        self._store, self._ehr, self._connector, self._source = store, ehr, connector, source
        self.crosswalk = Crosswalk(store, source)

    async def pull(self) -> int:
        """Take in everything since the cursor. Returns how many records were taken in."""
        fact = await self._store.fact(CURSOR, self._connector)
        taken = 0
        async for page in self._ehr.pull(fact.value if fact else None):
            await self._page(page.records)
            taken += len(page.records)
            if fact is None or not same(fact.value, page.cursor):
                note = Note(CURSOR, self._connector, page.cursor)
                await self._store.submit(Command(Statement(self._source, method="pull"), (note,)))
        return taken

    async def _page(self, records: Sequence[Record]) -> None:
        for start in range(0, len(records), _AT_ONCE):
            await asyncio.gather(*(self.take(record) for record in records[start : start + _AT_ONCE]))

    async def take(self, record: Record) -> None:
        """One record. What cannot be taken in is noted as a dead letter, and loses nothing."""
        link = await self.crosswalk.by_record(record.type, record.id)
        if link is not None and link.version == record.version and not record.deleted:
            return
        try:
            await self._store.submit(await self._command(record, link))
        except Refusal as refusal:
            if refusal.category in (Category.BUSY, Category.FAULT):
                raise
            await self._dead_letter(record, refusal)

    async def _command(self, record: Record, link: Link | None) -> Command:
        world = link.world if link else await self._world_id(record)
        statement = Statement(
            self._source,
            principal=self._connector,
            method="pull",
            effective=comparable(record.last_updated) if record.last_updated else "",
            entity=(
                {"role": "source", "what": {"display": f"{record.reference}/_history/{record.version}"}},
            ),
        )
        new = Link(self._source, record.type, record.id, world, record.version, record.last_updated)
        if record.deleted:
            return Command(statement, (Remove(record.type, world), *new.notes()))
        content = {**await self.crosswalk.inward(own_words(record.content)), "id": world}
        _check(content)
        sent = await sent_units(self._store, self._source, record.type, world)
        echoes = echo(await self._store.entity(record.type, world), self._source, content, sent)
        writes: tuple[Write, ...] = (Put(record.type, world, content, confidences=echoes), *new.notes())
        return Command(statement, writes)

    async def _world_id(self, record: Record) -> str:
        """A shared identifier decides; otherwise the record is new to the world."""
        if record.type in _MATCHED:
            found = await self._by_identifier(record)
            if found:
                return found
        elif (ours := _our_identifier(record.content)) and await self._store.read(record.type, ours):
            return ours
        return self.crosswalk.fresh(record.type, record.id)

    async def _by_identifier(self, record: Record) -> str:
        tokens = [
            TokenIs("identifier", item["system"], item["value"])
            for item in record.content.get("identifier", ())
            if item.get("system") and item.get("value")
        ]
        if not tokens:
            return ""
        where = tokens[0] if len(tokens) == 1 else Or(tuple(tokens))
        page = await self._store.search(Query(record.type, where, count=2))
        for version in page.versions:
            taken = await self.crosswalk.by_world(record.type, version.id)
            if taken is None:
                return version.id
        return ""

    async def _dead_letter(self, record: Record, refusal: Refusal) -> None:
        log.warning("%s: %s not taken in: %s", self._connector, record.type, refusal.category.name)
        value: JsonObject = {
            "type": record.type,
            "record": record.id,
            "version": record.version,
            "issues": [issue.as_json() for issue in refusal.issues],
            "content": record.content,
        }
        note = Note("dead-letter", f"{self._source}/{record.type}/{record.id}", value)
        await self._store.submit(Command(Statement(self._source, method="pull"), (note,)))


def own_words(content: JsonObject) -> JsonObject:
    """The record as the EHR means it: without its meta's version and without the mark of our writes."""
    words = {name: value for name, value in content.items() if name != "id"}
    if isinstance(words.get("meta"), dict):
        meta = {
            name: value for name, value in words["meta"].items() if name in ("profile", "security", "tag")
        }
        words = {**words, "meta": meta} if meta else {n: v for n, v in words.items() if n != "meta"}
    kept = [item for item in words.get("identifier", ()) if item.get("system") != WRITEBACK_IDENTIFIER]
    if "identifier" in words and isinstance(words["identifier"], list):
        words = (
            {**words, "identifier": kept} if kept else {n: v for n, v in words.items() if n != "identifier"}
        )
    return words


def _our_identifier(content: JsonObject) -> str:
    """The world id that our own create left in the record."""
    for item in content.get("identifier") or ():
        if isinstance(item, dict) and item.get("system") == WRITEBACK_IDENTIFIER:
            return str(item.get("value", "")).rpartition("/")[2]
    return ""


def _check(content: JsonObject) -> None:
    issues = [issue for issue in validate(content) if issue.severity in ("error", "fatal")]
    if issues:
        raise Refusal(Category.UNPROCESSABLE, issues)


def echo(
    entity: Entity | None, source: str, content: JsonObject, sent: Mapping[str, Json]
) -> dict[str, Decimal]:
    """The units in which the EHR only says back what was ``sent`` to it, with the confidence it had then.

    Such an echo is no new evidence: it counts as sure as what was written, not as an EHR's own word.
    """
    if entity is None or entity.deleted or not sent:
        return {}
    view = entity.ledger.view(source)
    before: dict[str, Json] = view.units if view else {}
    stated: dict[str, Json] = split(entity.key.type, content)
    return {
        unit: win.confidence
        for unit, win in wins(entity.ledger).items()
        if unit in sent
        and unit in stated
        and win.confidence < 1
        and same(stated[unit], win.claim.value)
        and not (unit in before and same(before[unit], stated[unit]))
    }


async def sent_units(store: Store, source: str, type: str, world: str) -> Mapping[str, Json]:
    """The units that were last decided to be written to the source's record."""
    fact = await store.fact(SENT, f"{source}/{type}/{world}")
    units: Mapping[str, Json] = fact.value["units"] if fact else {}
    return units
