"""A connector as work: what shall be at work, and what is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol


class CannotBegin(Exception):
    """A connector cannot be put to work as things are; the message says what is missing, without any value."""


class Work(Protocol):
    """A connector at work."""

    paused: bool

    async def run(self) -> None:
        """Work until cancelled."""
        ...

    async def drain(self) -> None:
        """Let what runs end, and begin nothing new; returns after a bounded time."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Plan:
    """One connector that shall be at work: ``version`` changes with its settings, ``paused`` need not.

    ``make`` raises :class:`CannotBegin` where something that it needs is not there.
    ``assist`` makes what another process of the same server does for it meanwhile, without the lease; None: nothing.
    """

    name: str
    version: str
    make: Callable[[], Work] = field(compare=False)
    paused: bool = False
    assist: Callable[[], Work] | None = field(default=None, compare=False)


@dataclass(slots=True)
class Job:
    """A plan that is at work here; ``ending`` is its end, once that has begun."""

    plan: Plan
    work: Work
    task: asyncio.Task[None]
    ending: asyncio.Task[None] | None = None


async def ended(job: Job) -> None:
    """End what runs, at once."""
    while not job.task.done():
        job.task.cancel()  # again: before Python 3.12 a cancellation can be lost in wait_for
        await asyncio.wait({job.task}, timeout=0.25)
    await job.work.close()
