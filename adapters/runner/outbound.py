"""Outbound: open writeback Tasks are pushed to the sink, each resource in order, until they arrive.

Exactly once, at every window between push and commit:

1. *Begin*: the Task becomes in-progress and what is about to be sent is noted, in one commit (``If-Match`` on the
   Task, so one of two processes begins). Nothing was sent before this is durable.
2. *Push*: a create carries a key that finds it again, an update names the version that it was decided on.
3. *Arrive*: the sink's answer, the link, and the Task's completion are one commit.

A process that dies after 1 leaves a Task in progress; the next one repeats the attempt, which is harmless after 2.
Gates are looked at again before every attempt. See docs/connectors.md.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from adapters.fhir.retries import RetryPolicy
from adapters.runner.attempt import Attempt, change_of
from adapters.runner.backlog import Backlog
from adapters.runner.belonging import Belonging
from adapters.runner.crosswalk import Crosswalk, Unlinked
from adapters.runner.delivering import Delivering
from adapters.runner.inbound import Inbound
from adapters.runner.leaving import is_over, leaving
from adapters.runner.pace import Pace
from adapters.runner.process import is_gone, this_process
from adapters.runner.refused import Refused, refused
from adapters.runner.sent import Sent, read_sent, sent_key
from adapters.runner.tasks import OPEN, SYSTEM, focus_of, moved, reason, record_output
from adapters.runner.tries import MOST_CONFLICTS, OBJECTING_SECONDS, Tries
from adapters.runner.writeback import NOTHING_LEFT, Sink, at_home
from fhirserver.access.audit.event import Audit, NoAudit
from fhirserver.kernel.instants import Clock, SystemClock, parse_instant
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.kernel.outcomes import Category, Refusal
from fhirserver.ports.ehr import (
    Change,
    Conflict,
    Ehr,
    EhrError,
    Gone,
    Operation,
    Receipt,
    Retryable,
    Unauthorized,
    is_listened,
    visible_within,
)
from fhirserver.ports.log import Statement
from fhirserver.ports.storage import Key, Version
from fhirserver.store.commands import Command, Outcome, Put, Write
from fhirserver.store.store import Store
from fhirserver.world.policy import Policy
from fhirserver.world.units import split

log = logging.getLogger("credence.runner")

UNLINKED_SECONDS = 60.0
"""How long a Task waits for something it refers to, unless that arrives; it then goes at once."""


@dataclass(slots=True)
class Outbound:
    """Pushes one sink's Tasks, at most ``concurrency`` at once.

    ``may_push`` is asked before each attempt; ``pace`` is shared with what else is asked of the EHR; ``tally`` counts
    attempts by what came of them, ``audit`` is told of each. ``takeover``: seconds after which a Task that another
    process has in progress is taken over; more than one request may take. ``idle``: seconds between looks for what
    others wrote. ``objecting``: seconds that the sink must object for no reason that is seen until it is refused.
    """

    store: Store
    policy: Policy
    ehr: Ehr
    sink: Sink
    inbound: Inbound
    retries: RetryPolicy
    concurrency: int = 4
    takeover: float = 60.0
    idle: float = 1.0
    objecting: float = OBJECTING_SECONDS
    clock: Clock = field(default_factory=SystemClock)
    holder: str = field(default_factory=this_process)
    pace: Pace | None = None
    may_push: Callable[[], bool] = lambda: True
    tally: Counter[str] = field(default_factory=Counter)
    audit: Audit = field(default_factory=NoAudit)
    _begun: dict[str, tuple[int, str]] = field(default_factory=dict)
    _running: set[asyncio.Task[None]] = field(default_factory=set)
    _draining: bool = False
    _backlog: Backlog = field(init=False)
    _belonging: Belonging = field(init=False)
    _pace: Pace = field(init=False)
    _delivering: Delivering = field(init=False)

    def __post_init__(self) -> None:
        self._backlog = Backlog(self.store, self.sink)
        self._belonging = Belonging(self.store, self.sink.source)
        self._pace = self.pace or Pace(self.retries)
        self._delivering = Delivering(self.sink, self.audit)

    @property
    def _crosswalk(self) -> Crosswalk:
        return self.inbound.crosswalk

    async def run(self) -> None:
        """Push for ever: woken by the log, by what falls due, and by attempts that end."""
        running = self._running
        try:
            while True:
                await self._backlog.follow(time.monotonic())
                self._start(running, time.monotonic())
                await self._wait(running)
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            running.clear()

    async def drain(self, seconds: float) -> None:
        """Begin nothing more, and let the attempts that run end, for so long."""
        self._draining = True
        if self._running:
            await asyncio.wait(set(self._running), timeout=seconds)

    def hurry(self) -> None:
        """Have what waits for its time be tried now."""
        self._backlog.hurry(time.monotonic())

    @property
    def running(self) -> int:
        """Attempts that are being made."""
        return len(self._running)

    async def push_due(self) -> int:
        """Try once every Task that is due now. Returns how many were tried."""
        now = time.monotonic()
        await self._backlog.follow(now)
        running: set[asyncio.Task[None]] = set()
        tried = self._start(running, now)
        while running:
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            running -= done
            for task in done:
                task.result()
            tried += self._start(running, now)
        return tried

    def _start(self, running: set[asyncio.Task[None]], now: float) -> int:
        """Begin with the lines that are due, as far as there is room and the sink wants more."""
        started = 0
        if self._draining or not self.may_push():
            return started
        while len(running) < self.concurrency and self._pace.free_at(now, len(running)) <= now:
            taken = self._backlog.take(now)
            if taken is None:
                break
            running.add(asyncio.create_task(self._line(*taken)))
            started += 1
        return started

    async def _wait(self, running: set[asyncio.Task[None]]) -> None:
        """Until the log grows, an attempt ends, or something falls due."""
        now = time.monotonic()
        has_room = len(running) < self.concurrency and not self._draining and self.may_push()
        until = self._backlog.next_due() if has_room else None
        seconds = self.idle
        if until is not None:
            seconds = min(self.idle, max(0.0, until - now, self._pace.free_at(now, len(running)) - now))
        grown = asyncio.create_task(self.store.wait_beyond(self._backlog.position, seconds))
        try:
            done, _ = await asyncio.wait({grown, *running}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            grown.cancel()
        running -= done
        for task in done:
            task.result()

    async def _line(self, focus: str, id: str, tries: Tries) -> None:
        """One attempt for one resource; afterwards its line is due again, or gone."""
        due = time.monotonic()
        try:
            wait = await self._try(id, tries)
            if wait is None:
                self._backlog.close(focus, id)
            due = time.monotonic() + (wait or 0.0)
        except Refusal as refusal:
            # Somebody changed the Task or the resource meanwhile: look again.
            if refusal.category not in (Category.PRECONDITION_FAILED, Category.CONFLICT):
                log.error("%s: a commit was refused: %s", self.sink.name, refusal.category.name)
                due += self.retries.delay(tries.count + 1)
        except Exception as error:
            log.error("%s: an attempt failed with %s", self.sink.name, type(error).__name__)
            due += self.retries.cap
        finally:
            self._backlog.give_back(focus, due)

    async def _try(self, id: str, tries: Tries) -> float | None:
        """One attempt. Returns the seconds until the next one, or None where the Task is settled."""
        attempt = await self._look(id)
        if attempt is None or isinstance(attempt, float):
            return attempt
        if not attempt.units:
            await self._nothing_left(attempt)
            return None
        tries.count += 1
        try:
            change = await change_of(attempt, self._crosswalk, tries.count)
        except Unlinked as missing:
            return await self._waits(attempt, tries, missing)
        begun = await self._begin(attempt, change)
        return await self._push(begun, self._dated(begun, change), tries)

    async def _look(self, id: str) -> Attempt | float | None:
        """The Task as it stands; seconds to wait where another process has it; None where it is settled."""
        version = await self.store.read("Task", id)
        task: JsonObject = loads(version.content) if version and not version.deleted else {}
        if version is None or task.get("status") not in OPEN:
            return None
        key = Key(*focus_of(task).split("/"))
        link = await self._crosswalk.by_world(*key)
        sent = await read_sent(self.store, self.sink.source, sent_key(link, key))
        if task["status"] == "in-progress" and (wait := self._others(version, sent)) > 0:
            return wait
        entity = await self.store.entity(*key)
        if entity is None:
            return None
        says = self._crosswalk.voice(link, entity, self.sink.source)
        units = leaving(entity, self.policy, says, sent, link is not None, id)
        if link is not None:
            units = await at_home(self._belonging, self.sink, entity, units, linked=True)
        return Attempt(version, task, entity, link, sent, units, says)

    async def _nothing_left(self, attempt: Attempt) -> None:
        """What was sent has come back with a pull before its answer: done. Otherwise it is superseded."""
        view, link = attempt.entity.ledger.view(attempt.voice), attempt.link
        says = view.units if view is not None else {}
        if attempt.task["status"] != "in-progress" or link is None or not attempt.sent.has_come_back(says):
            await self._close(attempt, moved(attempt.task, "cancelled", NOTHING_LEFT))
            return
        output = record_output(link.type, link.record, link.version)
        note = attempt.sent.answered({}, {}, True).note(self.sink.source, attempt.sent_key)
        await self._close(attempt, moved(attempt.task, "completed", "", (output,)), note)

    def _others(self, version: Version, sent: Sent) -> float:
        """How long another process may still be at the Task; 0 where it is ours or to be taken over."""
        ours = sent.holder == self.holder or self._begun.get(version.id, (0, ""))[0] == version.version
        if ours or is_gone(sent.holder):
            return 0.0
        age = self.clock.now() - parse_instant(version.recorded)
        return max(0.0, (timedelta(seconds=self.takeover) - age).total_seconds())

    async def _waits(self, attempt: Attempt, tries: Tries, missing: Unlinked) -> float:
        """Something it refers to is not in the sink yet: said on the Task; its arrival wakes the line."""
        tries.waits_for = f"{missing.type}/{missing.id}"
        text = f"Waits for {tries.waits_for}"
        if reason(attempt.task) != text:
            await self._close(attempt, moved(attempt.task, attempt.task["status"], text))
        return UNLINKED_SECONDS

    def _dated(self, attempt: Attempt, change: Change) -> Change:
        """The change with what is known of earlier attempts, for an EHR that may not show yet what they did."""
        if not visible_within(self.ehr):
            return change

        async def sending() -> None:
            sent = attempt.sent.begun(self.clock.now())
            await self._submit(sent.note(self.sink.source, attempt.sent_key))

        return replace(change, sent=attempt.sent.age(self.clock.now()), sending=sending)

    async def _begin(self, attempt: Attempt, change: Change) -> Attempt:
        """Make it durable that this change is about to be sent, unless it is already."""
        version, sent = attempt.version, attempt.sent.trying(attempt.units, self.holder)
        if change.operation is Operation.CREATE and not change.only_found:
            sent = replace(sent, created=change.content)
        if self._begun.get(version.id) == (version.version, change.key) and sent == attempt.sent:
            return attempt
        task = moved(attempt.task, "in-progress")
        put = Put("Task", version.id, task, if_match=version.version)
        outcome = await self._submit(put, sent.note(self.sink.source, attempt.sent_key))
        now = outcome.results[0].version or version
        self._begun[version.id] = (now.version, change.key)
        return replace(attempt, version=now, task=task, sent=sent)

    async def _push(self, attempt: Attempt, change: Change, tries: Tries) -> float | None:
        asked = self.clock.now()
        try:
            receipt = await self._delivering.deliver(self.ehr, attempt, change)
        except Conflict as conflict:
            self._pace.answered()
            return await self._reconcile(attempt, conflict, tries, asked)
        except Retryable as error:
            self._failed(error)
            return self.retries.delay(tries.count, error)
        except Unauthorized as error:
            if error.status != 403 or tries.count < MOST_CONFLICTS:
                self._failed(error)
                return self.retries.delay(tries.count)
            await self._refuse(attempt, str(error), error)
            return None
        except EhrError as error:
            self._pace.answered()
            if isinstance(error, Gone) and change.only_found:
                return await self._never_arrived(attempt, change)
            await self._refuse(attempt, str(error), error)
            return None
        self._pace.answered()
        await self._arrived(attempt, receipt)
        self.tally["pushed"] += 1
        return None

    async def _never_arrived(self, attempt: Attempt, change: Change) -> float | None:
        """No earlier attempt made it: it is made now. Of what is over by now there is nothing to say."""
        note = Sent(told=attempt.sent.told).note(self.sink.source, attempt.sent_key)
        if is_over(change.type, change.content):
            await self._close(attempt, moved(attempt.task, "cancelled", NOTHING_LEFT), note)
            return None
        await self._submit(note)
        return 0.0

    def _failed(self, error: EhrError) -> None:
        self._pace.failed(error, time.monotonic())
        self.tally["failed"] += 1

    async def _reconcile(
        self, attempt: Attempt, conflict: Conflict, tries: Tries, asked: datetime
    ) -> float | None:
        """The EHR holds something else: take in what it has, then decide again whether to write."""
        self.tally["conflicts"] += 1
        current, link = conflict.current, attempt.link
        is_news = current is not None and (link is None or link.is_news(current))
        if current is not None and is_news:
            try:
                await self.inbound.take(current, asked=asked)
            except EhrError as error:
                self._failed(error)
                return self.retries.delay(tries.count, error)
        tries.objected(conflict, is_news, time.monotonic())
        if tries.is_refused(time.monotonic(), self.objecting):
            await self._refuse(attempt, str(conflict), conflict)
            return None
        return self.retries.delay(tries.again) if tries.again else 0.0

    async def _refuse(self, attempt: Attempt, text: str, error: EhrError) -> None:
        """A dead letter: the Task has failed, and an operator decides about the claims."""
        self.tally["refused"] += 1
        said = Refused(self.sink.name, attempt.entity, attempt.units, text, error.issues)
        item = await refused(self.store, attempt.voice, said)
        sent = attempt.sent.refusing(attempt.entity, attempt.units, attempt.version.id)
        note = sent.note(self.sink.source, attempt.sent_key)
        await self._close(attempt, moved(attempt.task, "failed", text), note, *([item] if item else []))

    async def _arrived(self, attempt: Attempt, receipt: Receipt) -> None:
        """The sink has it: its answer is its statement, and the Task is done. One commit."""
        record, key = receipt.record, attempt.sent_key
        done = moved(attempt.task, "completed", "", (record_output(record.type, record.id, record.version),))
        put = Put("Task", attempt.version.id, done, if_match=attempt.version.version)
        stated = split(record.type, await self.inbound.words(record))
        note = attempt.sent.answered(attempt.units, stated, receipt.replayed).note(self.sink.source, key)
        while True:
            writes = await self._answer(attempt, receipt)
            try:
                await self._submit(*writes, note, put)
                return
            except Refusal as refusal:
                if refusal.category is Category.CONFLICT and writes:
                    continue  # a pull took it in meanwhile
                if refusal.category is not Category.PRECONDITION_FAILED:
                    raise
            # The Task was taken over or changed: keep what arrived; whoever has the Task sees what is left.
            await self._submit(*writes, note)
            return

    async def _answer(self, attempt: Attempt, receipt: Receipt) -> tuple[Write, ...]:
        """The statement in the sink's answer, unless it was taken in already."""
        record, key = receipt.record, attempt.entity.key
        link = await self._crosswalk.by_record(record.type, record.id)
        if link is None and is_listened(self.ehr):
            # Its own message came before its answer, by another name.
            link = await self._crosswalk.by_world(*key)
        link = link or self._crosswalk.link(record.type, record.id, key.id)
        if link.revision and not link.is_news(record):
            return ()
        return await self.inbound.statement(record, link, answer=not receipt.replayed)

    async def _close(self, attempt: Attempt, task: JsonObject, *more: Write) -> None:
        put = Put("Task", attempt.version.id, task, if_match=attempt.version.version)
        await self._submit(put, *more)

    async def _submit(self, *writes: Write) -> Outcome:
        statement = Statement(SYSTEM, principal=f"writeback:{self.sink.name}", method="writeback")
        return await self.store.submit(Command(statement, writes))
