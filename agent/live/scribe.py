"""Writes what becomes of an escalation, in order and beside the call: the caller never waits for it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.live.escalation_record import About, Escalation, audit, by_operator, flag, task
from agent.requests import CONFIRMED, Basis
from agent.tools.provenance import header, provenance
from agent.tools.writing import Writing
from fhirserver.kernel.json import JsonObject

if TYPE_CHECKING:
    from agent.call import Call

_OPEN_SECONDS = 10.0
"""How long the call's own record is waited for, so that what is written can name it."""
FLUSH_SECONDS = 15.0

_Make = Callable[[About], JsonObject | None]


@dataclass
class Scribe:
    """One for each call; what it is given is written one after the other."""

    call: Call
    writing: Writing
    _left: asyncio.Queue[tuple[_Make, dict[str, str], str]] = field(default_factory=asyncio.Queue)
    _task: asyncio.Task[None] | None = None

    def escalation(self, one: Escalation) -> None:
        """Write an escalation as it is now."""
        now = self.call.clock.now()
        before = task(one, self._about(), now)  # the stage as it is now, whenever it is written
        self._add(lambda about: {**before, **task_links(one, about)}, one.ids, one.operator)
        gone = one.completed
        self._add(lambda about: _flag(one, about, gone is not None), one.ids, one.operator)

    def act(self, action: str, operator: str) -> None:
        """Write down what an operator did."""
        now = self.call.clock.now()
        self._add(lambda about: audit(action, operator, about, now), {}, operator)

    async def flush(self) -> None:
        """Return when all is written, or has taken its time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_SECONDS):
                await self._left.join()

    def close(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _add(self, make: _Make, ids: dict[str, str], operator: str) -> None:
        self._left.put_nowait((make, ids, operator))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write())

    async def _write(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.call.keeper.opened.wait(), _OPEN_SECONDS)
        while not self._left.empty():
            make, ids, operator = self._left.get_nowait()
            try:
                await self._put(make(self._about()), ids, operator)
            finally:
                self._left.task_done()

    async def _put(self, resource: JsonObject | None, ids: dict[str, str], operator: str) -> None:
        if resource is None:
            return
        id = await self.writing.put(resource, self._headers(operator))
        if id:
            ids[resource["resourceType"]] = id

    def _about(self) -> About:
        memory, keeper = self.call.memory, self.call.keeper
        patient = memory.patient.reference if memory.patient and not memory.third_party else ""
        return About(keeper.communication, patient, self.call.tools.speaker.reference())

    def _headers(self, operator: str) -> dict[str, str]:
        about = self._about()
        memory = self.call.memory
        basis = Basis(CONFIRMED, "observed", (), memory.third_party, proxy=memory.setting.proxy)
        speaker, now = self.call.tools.speaker, self.call.clock.now()
        return header(
            by_operator(provenance(speaker, basis, about.communication, about.patient, now), operator)
        )


def task_links(one: Escalation, about: About) -> JsonObject:
    """What a Task learns only when it is written: its id, its call, its patient."""
    links: JsonObject = {"id": one.ids["Task"]} if "Task" in one.ids else {}
    if about.communication:
        links["focus"] = {"reference": about.communication}
    return links | ({"for": {"reference": about.patient}} if about.patient else {})


def _flag(one: Escalation, about: About, completed: bool) -> JsonObject | None:
    """The Flag, where it has something new to tell: at first, and when it is over."""
    return flag(one, about) if completed or "Flag" not in one.ids else None
