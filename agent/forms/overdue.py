"""Forms whose link has ended are closed: their Task says so, once, whoever looks how often.

One that was handed on has failed, and counts as asked. One that never was is taken back: nobody has seen it, so it
counts neither against cool-downs nor against the forms of a month.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from agent.communication import CALL_OUT
from agent.forms.office import Office
from agent.forms.record import FORM_CODE
from agent.forms.task import EXPIRED, FAILED, OPEN, READY, REVOKED, FormTask, moved, read_task
from agent.tools.client import Unreachable
from fhirserver.kernel.instants import instant
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Refusal
from fhirserver.kernel.wall import waiting
from fhirserver.world.vocabulary import TASK_CODE

EVERY_SECONDS = 600.0
HANDED_ON = "The link ended before the form was sent in"
NEVER_HANDED_ON = "The link ended before it was handed on"
log = logging.getLogger("credence.forms")


@dataclass
class Overdue:
    """``office`` keeps the forms."""

    office: Office
    _all: bool = True
    """Whether every open form is looked at: the first time, since links may have been good for less long before."""

    async def run(self) -> None:
        """Look for ever; a look that failed is made again the next time."""
        while True:
            try:
                await self.close()
            except (Refusal, Unreachable) as error:
                log.warning("forms that are overdue could not be closed: %s", type(error).__name__)
            await asyncio.sleep(waiting(EVERY_SECONDS))

    async def close(self) -> int:
        """Close what is overdue; how many were closed now."""
        closed = 0
        for task in await self._open():
            if task.is_overdue(self.office.clock.now()):
                closed += await self._close(task)
        self._all = False
        return closed

    async def _open(self) -> list[FormTask]:
        params = [("code", f"{TASK_CODE}|{FORM_CODE}"), ("status", ",".join(OPEN)), ("_sort", "authored-on")]
        if not self._all:
            since = self.office.clock.now() - timedelta(hours=self.office.hours)
            params.append(("authored-on", f"le{instant(since)}"))
        found = await self.office.client.search("Task", [*params, ("_count", "200")])
        return [task for one in found if (task := read_task(one)) is not None]

    async def _close(self, task: FormTask) -> bool:
        """False where somebody else has closed it meanwhile."""
        handed_on = task.status != READY or await self._texted(task)
        now, written = self.office.clock.now(), False

        def closing(one: FormTask) -> JsonObject | None:
            nonlocal written
            written = one.is_overdue(now)
            return _closed(one, handed_on or one.status != READY, now) if written else None

        await self.office.change(task.id, closing)
        return written

    async def _texted(self, task: FormTask) -> bool:
        """Whether a message with the link went out although the Task does not say so: something died in between."""
        names = ("identifier", f"{CALL_OUT}|form-{task.id}")
        found = await self.office.client.search("Communication", [names])
        return any(one.get("status") != "not-done" for one in found)


def _closed(task: FormTask, handed_on: bool, now: datetime) -> JsonObject:
    if handed_on:
        return moved(task, FAILED, now, EXPIRED, HANDED_ON)
    return moved(task, REVOKED, now, EXPIRED, NEVER_HANDED_ON)
