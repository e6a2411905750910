"""The messages that were answered when they were stored, taken in afterwards in the order of the log.

One process of all that share a store does this for a listener: who holds the connector's lease. Those of one patient
keep their order, whichever process stored them, since the log has one. After a crash some are looked at again; what
was taken in is not waiting any more.
"""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from adapters.hl7v2.intake.reception import Reception
from adapters.hl7v2.intake.record import WAITING
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.log import Commit, Statement
from fhirserver.store.commands import Command, Note
from fhirserver.store.followers import CHECKPOINT
from fhirserver.store.store import Store

log = logging.getLogger("credence.hl7")

COMMITS = 200
"""Commits that are read at a time."""
AT_ONCE = 8
"""Messages that are worked on beside each other; what arrives may have to wait for a step of each."""
IDLE_SECONDS = 1.0
_MOST_WAIT = 10.0


@dataclass(frozen=True, slots=True)
class _Waiting:
    entry: str
    at: str
    raw: bytes = field(repr=False)
    failed: str = ""


class Backlog:
    """Takes in what waits for a listener. ``stores``: whether more of it may come."""

    def __init__(self, store: Store, listener: str, source: str, reception: Reception, stores: bool = True):
        self._store, self._listener, self._reception, self._stores = store, listener, reception, stores
        self._name = f"hl7v2:{listener}"
        self._statement = Statement(source, principal=listener, method="hl7v2")
        self._seen = -1
        self._working = asyncio.Semaphore(AT_ONCE)

    async def run(self) -> None:
        """Take in what waits, for ever. What cannot be made durable is tried again, slower and slower."""
        failures = 0
        while True:
            try:
                moved = await self.step()
                failures = 0
            except Exception as error:  # the storage may be back the next time
                failures += 1
                log.warning("%s: what waits was not taken in: %s", self._listener, type(error).__name__)
                await asyncio.sleep(min(0.1 * 2**failures, _MOST_WAIT))
                continue
            if not moved:
                await self._rest()

    async def step(self) -> bool:
        """Take in what waits in the next commits; False where there are no more."""
        if self._seen < 0:
            self._seen = await self._begin()
        commits = await self._store.read_log(self._seen, COMMITS)
        if not commits:
            return False
        waiting = list(self._waiting(commits))
        taking = (self._take_up(one) for one in waiting)
        done = await asyncio.gather(*taking, return_exceptions=True)
        for safe in done:
            if safe is not True:
                raise safe if isinstance(safe, BaseException) else NotSafe
        self._seen = commits[-1].position
        if waiting:
            note = Note(CHECKPOINT, self._name, {"position": self._seen})
            await self._store.submit(Command(self._statement, (note,)))
        return True

    async def _take_up(self, one: _Waiting) -> bool:
        async with self._working:
            await self._reception.between_arrivals()
            return await self._reception.take_up(one.raw, one.at, one.entry, one.failed)

    async def _rest(self) -> None:
        if self._stores:
            await self._store.wait_beyond(self._seen, IDLE_SECONDS)
        else:
            await asyncio.Event().wait()  # the listener answers what it has taken in: nothing more will wait

    async def _begin(self) -> int:
        """Before the first message that may wait: by the checkpoint, or by what is in the record."""
        if (fact := await self._store.fact(CHECKPOINT, self._name)) is not None:
            return int(fact.value["position"])
        head = self._store.head
        facts = await self._store.facts(WAITING, f"{self._listener}/")
        return min([head, *(fact.position - 1 for fact in facts if fact.value["waiting"])])

    def _waiting(self, commits: Sequence[Commit]) -> Iterator[_Waiting]:
        prefix = f"{self._listener}/"
        for commit in commits:
            for event in commit.events:
                if event["e"] == "noted" and event["kind"] == WAITING and event["key"].startswith(prefix):
                    value: JsonObject = event["value"]
                    if value["waiting"]:
                        _, at, _ = event["key"].rsplit("/", 2)
                        yield _Waiting(
                            event["key"], at, base64.b64decode(value["raw"]), value.get("failed", "")
                        )


class NotSafe(Exception):
    """A message could be stored neither as taken in nor as failed."""
