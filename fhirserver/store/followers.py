"""Followers: whatever reads the log in order from its own checkpoint.

A follower whose effects are commands moves its checkpoint in the same commit, so each effect happens once
even when two processes run it or one is killed in between (``effectively once``).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from fhirserver.kernel.measures import Counter, Gauge
from fhirserver.kernel.outcomes import Category, Refusal
from fhirserver.ports.log import Commit, Statement
from fhirserver.store.commands import Command, Note, Write
from fhirserver.store.store import Store

log = logging.getLogger("credence.followers")

CHECKPOINT = "checkpoint"
POSITION = Gauge("credence_follower_position", "Up to which commit a follower is", ("follower",), "max")
STEPPED = Gauge(
    "_follower_stepped", "When a follower last got on, in monotonic seconds", ("follower",), "max"
)
FAILURES = Counter(
    "credence_follower_failures_total", "Steps that failed and were tried again", ("follower",)
)
GATHER_SECONDS = 0.03
"""What is committed shortly after a first commit is handled with it: a step costs more than a commit in it."""
BATCH = 200
KEEP_AFTER = 2000
"""So many commits without an effect are read again after a restart, at most."""
OVERDUE_SECONDS = 5.0
_DECIDED_AGAIN = frozenset({Category.CONFLICT, Category.PRECONDITION_FAILED})
"""What is refused because somebody was faster: the effects are asked for anew, at once."""


class Follower(Protocol):
    """Handles commits in order. ``name`` keys its checkpoint and never changes."""

    name: str

    async def effects(self, commits: Sequence[Commit]) -> Sequence[Write]:
        """The writes that follow from the commits; they are committed with the checkpoint."""
        ...


@runtime_checkable
class Timed(Protocol):
    """A follower that also has to do something when nothing happens."""

    async def overdue(self) -> Sequence[Write]:
        """What has become due. Two processes may ask at once: the writes must exclude each other."""
        ...


class Watcher(Protocol):
    """Sees the commits that a follower handled, so that the log is not read once more for it."""

    def see(self, commits: Sequence[Commit]) -> None:
        """Keep in memory what matters of them. After a restart some come again, and older ones never."""
        ...


class Following:
    """Runs one follower: reads, asks for effects, commits them with the checkpoint."""

    def __init__(
        self,
        store: Store,
        follower: Follower,
        source: str,
        idle_seconds: float = 1.0,
        watchers: Sequence[Watcher] = (),
        batch: int = BATCH,
    ):
        """``batch``: commits that are handled at a time."""
        self._store, self._follower, self._watchers, self._batch = store, follower, watchers, batch
        self._statement = Statement(source, principal=follower.name, method="derivation")
        self._timed = follower if isinstance(follower, Timed) else None
        self._idle = idle_seconds
        self._seen = 0
        self._looked = float("-inf")

    async def run(self) -> None:
        """Follow for ever. A failing step is tried again, slower and slower, and nothing is skipped."""
        failures = 0
        while True:
            try:
                moved = await self.step()
                await self._overdue()
                failures = 0
                STEPPED.set(time.monotonic(), self._follower.name)
            except Refusal as refusal:
                moved = refusal.category in _DECIDED_AGAIN
                failures += not moved
                await self._failed(failures, refusal) if not moved else None
            except Exception as error:
                failures += 1
                await self._failed(failures, error)
                continue
            if not moved and await self._store.wait_beyond(self._seen, self._idle):
                await asyncio.sleep(GATHER_SECONDS)

    async def _failed(self, failures: int, error: Exception) -> None:
        FAILURES.add(self._follower.name)
        log.warning("%s: step failed (%s), try %d", self._follower.name, type(error).__name__, failures)
        await asyncio.sleep(min(0.05 * 2**failures, 10))

    async def step(self) -> bool:
        """Handle the next commits; False when there are none."""
        checkpoint = await self._checkpoint()
        self._seen = max(checkpoint, self._seen)
        POSITION.set(self._seen, self._follower.name)
        commits = await self._store.read_log(self._seen, self._batch)
        if not commits:
            return False
        writes = list(await self._follower.effects(commits))
        last = commits[-1].position
        if writes or last - checkpoint >= KEEP_AFTER:
            note = Note(CHECKPOINT, self._follower.name, {"position": last}, advance=True)
            await self._store.submit(Command(self._statement, (*writes, note)))
        # Without effects the checkpoint is mostly kept in memory: reading commits again costs only time.
        self._seen = last
        POSITION.set(last, self._follower.name)
        for watcher in self._watchers:
            watcher.see(commits)
        return True

    async def _overdue(self) -> None:
        """Now and then, what the passing of time alone brings."""
        now = asyncio.get_running_loop().time()
        if self._timed is None or now - self._looked < OVERDUE_SECONDS:
            return
        self._looked = now
        writes = await self._timed.overdue()
        if writes:
            await self._store.submit(Command(self._statement, tuple(writes)))

    async def _checkpoint(self) -> int:
        fact = await self._store.fact(CHECKPOINT, self._follower.name)
        return int(fact.value["position"]) if fact else 0


async def follow(
    store: Store, follower: Follower, source: str, watchers: Sequence[Watcher] = (), batch: int = BATCH
) -> None:
    """Run a follower for ever."""
    await Following(store, follower, source, watchers=watchers, batch=batch).run()
