"""One connector at work in this process: its loops, each at its own pace; one's trouble never stops another.

*follow* makes writebacks of the log; *pull* takes records in; *push* sends what is to be written; *reconcile* heals
what was lost; *resolve* reads what others refer to; *report* tells how it is doing and hears what is asked.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from adapters.fhir.retries import RetryPolicy
from adapters.runner.code_maps import Coder
from adapters.runner.hours import Hours
from adapters.runner.inbound import Inbound
from adapters.runner.outbound import Outbound
from adapters.runner.pace import Pace
from adapters.runner.process import this_process
from adapters.runner.rate import Rate
from adapters.runner.reconcile import Reconciliation
from adapters.runner.resolve import Resolution
from adapters.runner.status import REPORT_SECONDS, Doing, asked, tell, told
from adapters.runner.writeback import Sink, Writeback
from fhirserver.access.audit.event import Audit, NoAudit
from fhirserver.kernel.instants import Clock, SystemClock, instant
from fhirserver.ports.ehr import Ehr, EhrError
from fhirserver.store.followers import follow
from fhirserver.store.store import Store
from fhirserver.world.policy import Policy

log = logging.getLogger("credence.runner")

Loop = Callable[[], Coroutine[Any, Any, None]]
MOST_DOUBLINGS = 4
DRAIN_SECONDS = 10.0
"""How long a push that runs may take to end when the connector stops."""


@dataclass(frozen=True, slots=True)
class Cadence:
    """Seconds between pulls, between looks for Tasks that other processes made, between sweeps of everything and
    between looks for records that are only referred to; 0 for never.

    Tasks of this process are pushed at once. ``takeover``: how long a Task that another process left in
    progress is left alone.
    """

    pull: float = 10.0
    push: float = 1.0
    takeover: float = 60.0
    reconcile: float = 86_400.0
    resolve: float = 300.0


@dataclass(slots=True)
class Runner:
    """One connector. ``ehr`` is None for one that is only listened to; ``own`` are the loops of its kind.

    ``pulls`` and ``pushes`` say what it is for. ``paused`` may be changed while it runs: changes then wait.
    """

    store: Store
    policy: Policy
    ehr: Ehr | None
    sink: Sink
    retries: RetryPolicy
    cadence: Cadence = field(default_factory=Cadence)
    concurrency: int = 4
    pulls: bool = True
    pushes: bool = True
    hours: Hours = field(default_factory=Hours)
    rate: Rate = field(default_factory=Rate)
    own: Mapping[str, Loop] = field(default_factory=dict)
    closing: Callable[[], Awaitable[None]] | None = None
    clock: Clock = field(default_factory=SystemClock)
    audit: Audit = field(default_factory=NoAudit)
    coder: Coder | None = None
    paused: bool = False
    pulled: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a first pull has come to its end."""
    pace: Pace = field(init=False)
    doing: Doing = field(init=False)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _by_hand: int = 0
    _pushed: int = 0
    _outbound: Outbound | None = None
    _inbound: Inbound | None = None

    def __post_init__(self) -> None:
        self.pace = Pace(self.retries, clock=self.clock)
        since = instant(self.clock.now())
        self.doing = Doing(self.pace, self.rate, this_process(), since)
        if self.ehr is None:
            return
        self._inbound = Inbound(self.store, self.ehr, self.sink.name, self.sink.source, coder=self.coder)
        if self.pushes:
            self._outbound = self._make_outbound(self.ehr, self._inbound)

    def _make_outbound(self, ehr: Ehr, inbound: Inbound) -> Outbound:
        return Outbound(
            self.store,
            self.policy,
            ehr,
            self.sink,
            inbound,
            self.retries,
            self.concurrency,
            takeover=self.cadence.takeover,
            idle=self.cadence.push,
            pace=self.pace,
            may_push=self.may_ask,
            tally=self.doing.tally,
            audit=self.audit,
        )

    def may_ask(self) -> bool:
        """Whether anything may be asked of the EHR now of our own accord."""
        return not self.paused and self.hours.are_open(self.clock.now())

    async def run(self) -> None:
        """Work until cancelled. What the process before knew is taken over first."""
        cell = await told(self.store.storage.cells, self.sink.name)
        if cell is not None:
            self.doing.remember(cell.value)
        tasks = [
            asyncio.create_task(loop(), name=f"{self.sink.name}:{n}") for n, loop in self.loops().items()
        ]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def drain(self) -> None:
        """Let what runs end, and begin nothing new."""
        if self._outbound is not None:
            await self._outbound.drain(DRAIN_SECONDS)

    async def close(self) -> None:
        """After :meth:`run` has ended."""
        if self.ehr is not None:
            await self.ehr.close()
        if self.closing is not None:
            await self.closing()

    def loops(self) -> dict[str, Loop]:
        """The loops that this connector has."""
        found: dict[str, Loop] = {"report": self._report}
        found |= {name: self._restarted(loop) for name, loop in self.own.items()}
        if self._outbound is not None:
            found |= {"follow": self._follow, "push": self._restarted(self._outbound.run)}
        if self._inbound is not None and self.ehr is not None and self.pulls:
            found["pull"] = self._pull_loop
            found |= self._healing(self.ehr, self._inbound)
        return found

    def _healing(self, ehr: Ehr, inbound: Inbound) -> dict[str, Loop]:
        found: dict[str, Loop] = {}
        if self.cadence.reconcile:
            writeback = self._writeback() if self.pushes else None
            sweeps = Reconciliation(self.store, ehr, self.sink, inbound, writeback)
            found["reconcile"] = lambda: self._now_and_then(
                self.cadence.reconcile, lambda: self._sweep(sweeps)
            )
        if self.cadence.resolve:
            strangers = Resolution(self.store, ehr, inbound)
            found["resolve"] = lambda: self._now_and_then(
                self.cadence.resolve, lambda: self._resolve(strangers)
            )
        return found

    def _writeback(self) -> Writeback:
        return Writeback(self.store, self.policy, self.sink)

    async def _follow(self) -> None:
        await follow(self.store, self._writeback(), "credence")

    # pull

    def pull_soon(self) -> None:
        """The EHR has news."""
        self._news.set()

    def heard(self, taken: bool) -> None:
        """A message of the EHR came, which was taken in or refused. Whether it takes our writes, that does not say."""
        self.doing.last_exchange = self.clock.now()
        self.doing.tally["taken" if taken else "refused"] += 1

    async def _pull_loop(self) -> None:
        failures = 0
        while True:
            by_hand = self._by_hand
            if (by_hand > self.doing.handled or self.may_ask()) and self._is_up():
                failures = 0 if await self._pulled(by_hand) else failures + 1
            await self._wait_for_news(self.cadence.pull * min(2**failures, 2**MOST_DOUBLINGS))

    def _is_up(self) -> bool:
        return self.pace.free_at(time.monotonic(), 0) <= time.monotonic()

    async def _wait_for_news(self, seconds: float) -> None:
        """Until news, or about so many seconds; no two connectors keep step."""
        waiting = asyncio.ensure_future(self._news.wait())
        try:
            await asyncio.wait({waiting}, timeout=seconds * (1 + random.random() * 0.2))  # noqa: S311
        finally:
            waiting.cancel()
        self._news.clear()

    async def _pulled(self, by_hand: int) -> bool:
        """One pull, whose end is told; False where it failed."""
        assert self._inbound is not None
        self.doing.syncing = True
        try:
            return await self._survives(self._pull_once(self._inbound))
        finally:
            self.doing.syncing, self.doing.handled = False, by_hand

    async def _pull_once(self, inbound: Inbound) -> None:
        taken = await inbound.pull(self._page_taken)
        self.doing.last_pull = self.clock.now()
        self.pulled.set()
        if taken:
            log.info("%s: %d records taken in", self.sink.name, taken)

    def _page_taken(self, records: int) -> None:
        self.pace.answered()
        self.doing.tally["taken"] += records

    async def _survives(self, work: Awaitable[None]) -> bool:
        """Do it; False where the EHR or anything else failed, which is told and no more."""
        try:
            await work
        except EhrError as error:
            self.pace.failed(error, time.monotonic())
            self.doing.tally["failed"] += 1
            log.warning("%s: %s", self.sink.name, type(error).__name__)
            return False
        except Exception as error:  # a loop never ends: whatever it is, it is tried again
            log.error("%s: a loop failed with %s", self.sink.name, type(error).__name__)
            return False
        return True

    # the others

    def _restarted(self, work: Loop) -> Loop:
        """A loop that begins again, slower and slower, when it fails."""

        async def for_ever() -> None:
            failures = 0
            while True:
                failures = 0 if await self._survives(work()) else failures + 1
                await asyncio.sleep(min(self.cadence.push * 2**failures, 2**MOST_DOUBLINGS))

        return for_ever

    async def _now_and_then(self, seconds: float, work: Loop) -> None:
        """Something that takes its time, first after one wait, only when the EHR may be asked and answers."""
        while True:
            await asyncio.sleep(seconds * (1 + random.random() * 0.2))  # noqa: S311
            if self.may_ask() and self._is_up():
                await self._survives(work())

    async def _sweep(self, reconciliation: Reconciliation) -> None:
        swept = await reconciliation.sweep()
        self.doing.tally["healed"] += swept.healed
        log.info("%s: %d records compared, %d healed", self.sink.name, swept.compared, swept.healed)

    async def _resolve(self, strangers: Resolution) -> None:
        self.doing.tally["resolved"] += await strangers.resolve()

    # what is told and asked

    async def _report(self) -> None:
        cells = self.store.storage.cells
        while True:
            try:
                number = await asked(cells, self.sink.name)
                if number > max(self._by_hand, self.doing.handled):
                    self.sync(number)
                self.doing.state = self._state()
                self._notice_pushes()
                await tell(cells, self.sink.name, self.doing.as_json(time.monotonic()))
            except Exception as error:  # the storage may be back the next time
                log.warning("%s: its status was not told: %s", self.sink.name, type(error).__name__)
            await asyncio.sleep(REPORT_SECONDS)

    def _notice_pushes(self) -> None:
        pushed = self.doing.tally["pushed"]
        if pushed != self._pushed:
            self._pushed, self.doing.last_push = pushed, self.clock.now()

    def _state(self) -> str:
        if self.paused:
            return "paused"
        return "running" if self.hours.are_open(self.clock.now()) else "closed"

    def sync(self, number: int) -> None:
        """Pull now, and try what waits to be pushed."""
        self._by_hand = number
        self._news.set()
        if self._outbound is not None:
            self._outbound.hurry()
        if not self.pulls or self._inbound is None:
            self.doing.handled = number
