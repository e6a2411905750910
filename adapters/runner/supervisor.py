"""The connectors of this process: those that it holds a lease of are at work here, and no others.

What there is to work on may change at any time; what is wanted is asked for anew at every turn. A connector whose
settings changed is stopped in order and begun again; one whose lease is lost is stopped at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from adapters.runner.assisting import Assisting
from adapters.runner.lease import MARGIN, Leases, beat_safely
from adapters.runner.work import CannotBegin, Job, Plan, Work, ended

log = logging.getLogger("credence.runner")

TURN_SECONDS = 0.5
"""How soon a change of what is wanted is acted on."""
_BEATS = 4
"""Beats in the length of a lease."""


async def _untold(name: str, problem: str) -> None:
    """Tell nobody."""


class Supervisor:
    """``wanted`` gives the plans by name as they are now; ``unable`` is told the name of a connector that cannot
    begin, and why, whenever that changes. It is tried again at every turn."""

    def __init__(
        self,
        leases: Leases,
        wanted: Callable[[], Awaitable[Mapping[str, Plan]]],
        unable: Callable[[str, str], Awaitable[None]] = _untold,
    ):
        self._leases, self._wanted, self._unable = leases, wanted, unable
        self._problems: dict[str, str] = {}
        self._jobs: dict[str, Job] = {}
        self._assisting = Assisting()
        self._plans: Mapping[str, Plan] = {}
        self._beaten = float("-inf")

    @property
    def working(self) -> frozenset[str]:
        """The names of the connectors at work here."""
        return frozenset(self._jobs)

    def work(self, name: str) -> Work | None:
        """The connector as it is at work here, if it is."""
        job = self._jobs.get(name)
        return job.work if job is not None else None

    async def run(self) -> None:
        """Work until cancelled; then everything ends in order and the leases are given back."""
        watching = asyncio.create_task(self._watch(), name="connectors:leases")
        try:
            while True:
                await self._turn_safely()
                await asyncio.sleep(TURN_SECONDS)
        finally:
            await asyncio.shield(asyncio.ensure_future(self._end(watching)))

    async def _turn_safely(self) -> None:
        try:
            await self.turn()
        except Exception as error:  # the storage may be back the next time; leases run out by themselves
            log.warning("connectors could not be looked after: %s", type(error).__name__)

    async def turn(self) -> None:
        """One look: what is wanted, what we hold, what must begin or end."""
        await self._beat()
        self._plans = await self._wanted()
        for name, job in list(self._jobs.items()):
            self._check(name, job)
        for name in self._leases.held - self._jobs.keys():
            if name not in self._plans:
                await self._leases.release(name)
        self._give_up_excess()
        await self._leases.take_share(self._plans.keys())
        for name in sorted(self._leases.held - self._jobs.keys()):
            if not self._leases.is_lost(name):
                await self._begin(self._plans[name])
        self._assisting.turn(self._plans, self._leases.held | self._jobs.keys())

    async def _beat(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._beaten < self._leases.seconds / _BEATS:
            await self._leases.count()
        elif await beat_safely(self._leases):
            self._beaten = now

    def _check(self, name: str, job: Job) -> None:
        plan = self._plans.get(name)
        if plan is not None and plan.version == job.plan.version:
            job.work.paused = plan.paused
        elif job.ending is None:
            job.ending = asyncio.create_task(self._stop(name, job, release=plan is None))

    def _give_up_excess(self) -> None:
        """Give connectors to processes that came later."""
        staying = [name for name, job in sorted(self._jobs.items()) if job.ending is None]
        for name in staying[self._leases.share(len(self._plans)) :] if self._plans else ():
            job = self._jobs[name]
            job.ending = asyncio.create_task(self._stop(name, job, release=True))

    async def _begin(self, plan: Plan) -> None:
        try:
            work = plan.make()
        except CannotBegin as reason:
            await self._told(plan.name, str(reason))
            return
        except Exception as error:  # the others go on
            await self._told(plan.name, type(error).__name__)
            return
        self._problems.pop(plan.name, None)
        work.paused = plan.paused
        self._jobs[plan.name] = Job(plan, work, asyncio.create_task(work.run(), name=plan.name))
        log.info("%s: at work", plan.name)

    async def _told(self, name: str, problem: str) -> None:
        if self._problems.get(name) != problem:
            log.error("%s: cannot begin: %s", name, problem)
            await self._unable(name, problem)
            self._problems[name] = problem

    async def _stop(self, name: str, job: Job, release: bool) -> None:
        """End a connector in order; the lease is kept up meanwhile."""
        await job.work.drain()
        await self._end_job(name, job)
        if release:
            await self._leases.release(name)

    async def _end_job(self, name: str, job: Job) -> None:
        await ended(job)
        if self._jobs.get(name) is job:
            del self._jobs[name]
        log.info("%s: no longer at work here", name)

    async def _watch(self) -> None:
        """Stop what we have no lease of any more, before another may have it, also while a turn hangs."""
        while True:
            await asyncio.sleep(self._leases.seconds * MARGIN / 8)
            for name, job in list(self._jobs.items()):
                if self._leases.is_lost(name):
                    log.warning("%s: stopped, its lease is lost", name)
                    job.task.cancel()
                    if job.ending is None or job.ending.done():
                        job.ending = asyncio.create_task(self._end_job(name, job))

    async def _end(self, watching: asyncio.Task[None]) -> None:
        watching.cancel()
        stopping = (self._stopped(name, job) for name, job in list(self._jobs.items()))
        await asyncio.gather(self._assisting.end(), *stopping)
        try:
            await self._leases.leave()
        except Exception as error:  # they run out by themselves
            log.warning("leases were not given back: %s", type(error).__name__)

    async def _stopped(self, name: str, job: Job) -> None:
        if job.ending is None:
            job.ending = asyncio.create_task(self._stop(name, job, release=True))
        await job.ending
