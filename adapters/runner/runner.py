"""The loops of one connector: pull in, push out, each at its own pace; one's trouble never stops the other."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from adapters.fhir.retries import RetryPolicy
from adapters.runner.inbound import Inbound
from adapters.runner.outbound import Outbound
from adapters.runner.writeback import Sink, Writeback
from fhirserver.ports.ehr import Ehr, EhrError, Health
from fhirserver.store.followers import follow
from fhirserver.store.store import Store
from fhirserver.world.policy import Policy

log = logging.getLogger("credence.runner")


@dataclass(frozen=True, slots=True)
class Cadence:
    """Seconds between pulls, and between looks for Tasks that other processes made.

    Tasks of this process are pushed at once. ``takeover``: how long a Task that another process left in
    progress is left alone.
    """

    pull: float = 10.0
    push: float = 1.0
    takeover: float = 60.0


class Runner:
    """One connector at work."""

    def __init__(
        self,
        store: Store,
        policy: Policy,
        ehr: Ehr,
        sink: Sink,
        retries: RetryPolicy,
        cadence: Cadence,
        concurrency: int = 4,
    ):
        self._store, self._policy, self._ehr, self._sink, self._cadence = store, policy, ehr, sink, cadence
        self.inbound = Inbound(store, ehr, sink.name, sink.source)
        self.outbound = Outbound(
            store,
            policy,
            ehr,
            sink,
            self.inbound,
            retries,
            concurrency,
            takeover=cadence.takeover,
            idle=cadence.push,
        )
        self.pulled = asyncio.Event()
        """Set when a first pull has come to its end."""

    async def pull_loop(self) -> None:
        await self._for_ever(self._cadence.pull, self._pull)

    async def _pull(self) -> None:
        taken = await self.inbound.pull()
        self.pulled.set()
        if taken:
            log.info("%s: %d records taken in", self._sink.name, taken)

    async def push_loop(self) -> None:
        await self._for_ever(self._cadence.push, self.outbound.run)

    async def follow_log(self) -> None:
        await follow(self._store, Writeback(self._store, self._policy, self._sink), "credence")

    async def health(self) -> Health:
        """Whether the EHR answers."""
        return await self._ehr.health()

    async def close(self) -> None:
        await self._ehr.close()

    async def _for_ever(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        failures = 0
        while True:
            try:
                await work()
                failures = 0
            except EhrError as error:
                failures += 1
                log.warning("%s: %s, try %d", self._sink.name, type(error).__name__, failures)
            except Exception as error:
                failures += 1
                log.error("%s: loop failed with %s, try %d", self._sink.name, type(error).__name__, failures)
            await asyncio.sleep(seconds * (1 + random.random() * 0.2) * min(2**failures, 16))  # noqa: S311
