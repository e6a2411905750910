"""Outbound: open writeback Tasks are pushed to the sink, each resource in order, until they arrive.

Exactly once: a create carries an idempotency key that finds it again, an update names the version it was
decided on, and the answer is recorded in the same commit as the Task's completion.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, field

from adapters.fhir.retries import RetryPolicy
from adapters.runner.crosswalk import Crosswalk, Link, Unlinked
from adapters.runner.inbound import Inbound, echo, own_words, sent_units
from adapters.runner.tasks import moved, open_tasks, record_output
from adapters.runner.writeback import Sink
from fhirserver.kernel.instants import comparable
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.kernel.outcomes import Category, Refusal
from fhirserver.ports.ehr import Change, Conflict, Ehr, EhrError, Gone, Operation, Receipt, Record, Retryable
from fhirserver.ports.log import Statement
from fhirserver.ports.storage import Key, Version
from fhirserver.search.expression import Query
from fhirserver.store.commands import Command, Put, Write
from fhirserver.store.store import Store
from fhirserver.world.entity import Entity
from fhirserver.world.gates import may_leave, outbound
from fhirserver.world.policy import Policy
from fhirserver.world.units import join

log = logging.getLogger("credence.runner")

SYSTEM = "credence"


@dataclass(slots=True)
class _Tries:
    """How often a Task was tried, and when it may be tried again (monotonic seconds)."""

    count: int = 0
    due: float = 0.0


@dataclass(slots=True)
class Outbound:
    """Pushes one sink's Tasks, at most ``concurrency`` at once."""

    store: Store
    policy: Policy
    ehr: Ehr
    sink: Sink
    inbound: Inbound
    retries: RetryPolicy
    concurrency: int = 4
    _tries: dict[str, _Tries] = field(default_factory=dict)

    @property
    def _crosswalk(self) -> Crosswalk:
        return self.inbound.crosswalk

    async def push_due(self) -> int:
        """Try every open Task that is due. Returns how many were tried."""
        query = Query("Task", open_tasks(self.sink.name), count=500)
        versions = (await self.store.search(query)).versions
        self._forget_closed({version.id for version in versions})
        now = time.monotonic()
        due = [version for version in versions if self._tries.setdefault(version.id, _Tries()).due <= now]
        gate = asyncio.Semaphore(self.concurrency)

        async def limited(version: Version) -> None:
            async with gate:
                await self._try(version)

        await asyncio.gather(*(limited(version) for version in due))
        return len(due)

    def _forget_closed(self, open_ids: set[str]) -> None:
        for id in [id for id in self._tries if id not in open_ids]:
            del self._tries[id]

    async def _try(self, version: Version) -> None:
        task: JsonObject = loads(version.content)
        tries = self._tries.setdefault(version.id, _Tries())
        tries.count += 1
        try:
            await self._push(version, task, tries.count)
        except Unlinked:
            tries.due = time.monotonic() + self.retries.delay(tries.count)
        except Conflict as conflict:
            await self._reconcile(version, task, conflict.current)
        except Retryable as error:
            tries.due = time.monotonic() + self.retries.delay(tries.count, error)
        except EhrError as error:
            await self._close(version, moved(task, "failed", str(error)))
        except Refusal as refusal:
            # Somebody changed the Task or the resource meanwhile: look again next time.
            if refusal.category not in (Category.PRECONDITION_FAILED, Category.CONFLICT):
                raise

    async def _push(self, version: Version, task: JsonObject, attempt: int) -> None:
        key = _focus(task)
        entity = await self.store.entity(*key)
        units = may_leave(entity, self.policy, self.sink.source) if entity and not entity.deleted else {}
        if entity is None or not units:
            await self._close(version, moved(task, "cancelled", "Superseded: nothing is left to write"))
            return
        change = await self._change(entity, attempt)
        receipt = await self.ehr.push(change)
        await self._arrived(version, task, entity, receipt)

    async def _change(self, entity: Entity, attempt: int) -> Change:
        """The whole record as it shall be: the sink's own words with what may leave laid over them."""
        link = await self._crosswalk.by_world(*entity.key)
        content = join(outbound(entity, self.policy, self.sink.source))
        content = await self._crosswalk.outward({"resourceType": entity.key.type, **content})
        if link is None:
            # A former process may have tried already: never the first attempt, so that the record is looked for.
            return Change(Operation.CREATE, entity.key.type, str(entity.key), content, attempt=attempt + 1)
        view = entity.ledger.view(self.sink.source)
        before = await self._crosswalk.outward(join(view.units)) if view else None
        key = f"{entity.key}@{entity.version}"
        return Change(
            Operation.UPDATE,
            entity.key.type,
            key,
            {**content, "id": link.record},
            link.record,
            link.version,
            before,
            attempt,
        )

    async def _arrived(self, version: Version, task: JsonObject, entity: Entity, receipt: Receipt) -> None:
        """The sink has it: its answer is its statement (an echo), and the Task is done. One commit."""
        record = receipt.record
        world = entity.key.id
        content = {**await self._crosswalk.inward(own_words(record.content)), "id": world}
        sent = await sent_units(self.store, self.sink.source, *entity.key)
        known = await self._crosswalk.by_world(*entity.key) is not None
        link = Link(self.sink.source, record.type, record.id, world, record.version, record.last_updated)
        statement = self._statement(record, "" if known else "partial")
        done = moved(task, "completed", "", (record_output(record.type, record.id, record.version),))
        writes: tuple[Write, ...] = (
            Put(
                record.type,
                world,
                content,
                confidences=echo(entity, self.sink.source, content, sent),
                statement=statement,
            ),
            *link.notes(),
            Put("Task", version.id, done, if_match=version.version),
        )
        try:
            await self.store.submit(Command(self._system(), writes))
        except Refusal as refusal:
            if refusal.category is not Category.PRECONDITION_FAILED:
                raise
            # The Task was renewed while the push was on its way: keep what arrived, the rest goes next.
            await self.store.submit(Command(self._system(), writes[:-1]))

    def _statement(self, record: Record, mode: str) -> Statement:
        return Statement(
            self.sink.source,
            principal=self.sink.name,
            method="echo",
            mode=mode,
            effective=comparable(record.last_updated) if record.last_updated else "",
        )

    def _system(self) -> Statement:
        return Statement(SYSTEM, principal=f"writeback:{self.sink.name}", method="writeback")

    async def _reconcile(self, version: Version, task: JsonObject, current: Record | None) -> None:
        """The record changed under us: take in what the EHR has, then decide again whether to write."""
        link = await self._crosswalk.by_world(*_focus(task))
        try:
            if current is None and link is not None:
                current = await self.ehr.read(link.type, link.record)
        except Gone as error:
            await self._close(version, moved(task, "failed", str(error)))
            return
        except EhrError:
            return
        if current is None:
            await self._close(
                version, moved(task, "failed", "The EHR refuses: the record conflicts with its own")
            )
            return
        unchanged = link is not None and link.version == current.version
        await self.inbound.take(current)
        if unchanged:
            await self._close(
                version, moved(task, "failed", "The EHR refuses although nothing changed there")
            )

    async def _close(self, version: Version, task: JsonObject) -> None:
        put = Put("Task", version.id, task, if_match=version.version)
        await self.store.submit(Command(self._system(), (put,)))


def _focus(task: JsonObject) -> Key:
    type, id, *_ = str(task["focus"]["reference"]).split("/")
    return Key(type, id)
