"""Reconciliation: everything an EHR has is compared with what we believe it has, by pages, and what differs is healed.

*In*: a record that we do not know, or know in another version, is taken in; so is one that the EHR has set back to an
older version than we saw (it was restored from a backup), and one that is gone. *Out*: a change that should have
become a writeback and did not becomes one. What the EHR holds differently after that goes the ordinary way.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from adapters.runner.crosswalk import RECORD
from adapters.runner.inbound import Inbound
from adapters.runner.tasks import SYSTEM
from adapters.runner.writeback import Sink, Writeback
from fhirserver.kernel.instants import Clock, SystemClock
from fhirserver.kernel.outcomes import Category, Refusal
from fhirserver.ports.ehr import Ehr, EhrError, Gone, Record, is_listened
from fhirserver.ports.log import Statement
from fhirserver.ports.storage import Key
from fhirserver.search.cursor import decode
from fhirserver.search.expression import Query
from fhirserver.store.commands import Command
from fhirserver.store.store import Store

log = logging.getLogger("credence.runner")

_PAGE = 200


@dataclass(slots=True)
class Swept:
    """What one sweep found: records compared, and what was healed of each kind."""

    compared: int = 0
    taken: int = 0
    set_back: int = 0
    gone: int = 0
    written: int = 0

    @property
    def healed(self) -> int:
        return self.taken + self.set_back + self.gone + self.written


class Reconciliation:
    """One connector's. ``writeback`` is None where nothing is pushed."""

    def __init__(
        self,
        store: Store,
        ehr: Ehr,
        sink: Sink,
        inbound: Inbound,
        writeback: Writeback | None,
        clock: Clock | None = None,
    ):
        self._store, self._ehr, self._sink = store, ehr, sink
        self._inbound, self._writeback = inbound, writeback
        self._clock = clock or SystemClock()

    async def sweep(self) -> Swept:
        """Compare and heal everything once. Raises :class:`EhrError` where the EHR does not answer."""
        swept, seen = Swept(), set[str]()
        if not is_listened(self._ehr):
            asked = self._clock.now()
            async for page in self._ehr.pull(None):
                for record in page.records:
                    seen.add(record.reference)
                    await self._compare(record, asked, swept)
            await self._look_for_missing(seen, swept)
        if self._writeback is not None:
            await self._look_for_unwritten(self._writeback, swept)
        return swept

    async def _compare(self, record: Record, asked: datetime, swept: Swept) -> None:
        swept.compared += 1
        link = await self._inbound.crosswalk.by_record(record.type, record.id)
        if link is None or link.is_news(record):
            swept.taken += await self._inbound.take(record, asked=asked)
        elif record.version != link.version and not record.deleted:
            swept.set_back += await self._set_back(record.type, record.id)

    async def _set_back(self, type: str, id: str) -> bool:
        """Take in what the EHR has now although it is older than what we saw; what the page said may be past."""
        before = await self._inbound.crosswalk.by_record(type, id)
        if before is None or self._inbound.doubt.is_early(before):
            return False  # what it shows may be what was before; the next sweep will tell
        try:
            current = await self._ehr.read(type, id)
        except Gone:
            return False
        link = await self._inbound.crosswalk.by_record(type, id)
        if link != before or current.version == link.version or link.is_news(current):
            return False
        return await self._inbound.take(current, set_back=True)

    async def _look_for_missing(self, seen: Iterable[str], swept: Swept) -> None:
        """Records that we believe the EHR has and that it did not hand out: they are asked for one by one."""
        source = f"{self._inbound.source}/"
        known = frozenset(seen)
        for fact in await self._store.facts(RECORD, source):
            reference = fact.key.removeprefix(source)
            if reference in known or fact.value.get("deleted") or fact.value.get("into"):
                continue
            type, _, id = reference.partition("/")
            swept.gone += await self._missing(type, id)

    async def _missing(self, type: str, id: str) -> bool:
        asked = self._clock.now()
        try:
            await self._inbound.take(await self._ehr.read(type, id), asked=asked)
        except Gone:
            return await self._inbound.take(Record(type, id, "", "", {}, deleted=True), asked=asked)
        except EhrError as error:
            log.info("%s: a record was not compared: %s", self._sink.name, error.__class__.__name__)
        return False

    async def _look_for_unwritten(self, writeback: Writeback, swept: Swept) -> None:
        for type in self._sink.types:
            query = Query(type, count=_PAGE)
            while True:
                page = await self._store.search(query)
                for version in page.versions:
                    swept.written += await self._unwritten(writeback, Key(type, version.id))
                await asyncio.sleep(0)
                if not page.cursor:
                    break
                query = Query(type, count=_PAGE, cursor=decode(page.cursor, ()))

    async def _unwritten(self, writeback: Writeback, key: Key) -> bool:
        """Ask for what the follower should have asked for. Refused where it did so this very moment."""
        writes = await writeback.missed(key)
        if not writes:
            return False
        try:
            await self._store.submit(
                Command(Statement(SYSTEM, principal=writeback.name, method="derivation"), writes)
            )
        except Refusal as refusal:
            if refusal.category is not Category.PRECONDITION_FAILED:
                raise
            return False
        return True
