"""What a process does for connectors that another one has the lease of, where their kind knows of anything."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping

from adapters.runner.work import Job, Plan, ended

log = logging.getLogger("credence.runner")


class Assisting:
    """The assistants of this process, by connector."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}

    def turn(self, plans: Mapping[str, Plan], held: Collection[str]) -> None:
        """Assist with all ``plans`` that may be assisted with and of which no lease is ``held`` here."""
        for name, job in list(self._jobs.items()):
            plan = plans.get(name)
            if job.ending is None and (plan is None or plan.version != job.plan.version or name in held):
                job.ending = asyncio.create_task(self._stop(name, job))
        for name in sorted(plans.keys() - self._jobs.keys() - set(held)):
            self._begin(plans[name])

    def _begin(self, plan: Plan) -> None:
        if plan.assist is None:
            return
        try:
            work = plan.assist()
        except Exception as error:  # as with the connector itself: the others go on
            log.error("%s: cannot assist: %s", plan.name, type(error).__name__)
            return
        self._jobs[plan.name] = Job(plan, work, asyncio.create_task(work.run(), name=f"{plan.name}:assist"))

    async def _stop(self, name: str, job: Job) -> None:
        await job.work.drain()
        await ended(job)
        del self._jobs[name]

    async def end(self) -> None:
        """End them all in order."""
        for name, job in self._jobs.items():
            if job.ending is None:
                job.ending = asyncio.create_task(self._stop(name, job))
        await asyncio.gather(*(job.ending for job in list(self._jobs.values()) if job.ending is not None))
