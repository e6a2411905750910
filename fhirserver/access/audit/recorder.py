"""The recorder: takes events on the way of requests, and writes them behind the trail a second's worth at a time.

An event is gone from memory only when the batch that has it is durable. What was noted since the last batch is lost
when the process is killed: at most :data:`SECONDS` of reads, and of writes what can be made up from the log
(:mod:`fhirserver.access.audit.accounting`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress

from fhirserver.access.audit.chain import Chain, TooLarge, packed
from fhirserver.access.audit.event import ANSWERING, Event, now_microseconds
from fhirserver.access.audit.rekeying import UnknownKey, change_key
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.ports.audit import HasTrail, Sealed

SECONDS = 1.0
"""How long an event waits at most before it is written."""
AT_ONCE = 2_000
"""Events of one batch."""
MOST_WAITING = 20_000
"""Events in memory from which on requests wait until there are fewer."""
_PATIENCE = 30.0
_RACES = 1_000

log = logging.getLogger("credence.audit")


class Recorder:
    """The :class:`~fhirserver.access.audit.event.Audit` of one process. Run it beside the server."""

    def __init__(
        self,
        storage: HasTrail,
        chain: Chain,
        seconds: float = SECONDS,
        patience: float = _PATIENCE,
        renewed: Callable[[], Chain] | None = None,
    ):
        """``patience``: seconds that a request waits for room before it is refused. ``renewed`` is asked for the chain
        by the server's key as it is then, where somebody has changed that."""
        self._storage, self._chain, self._renewed = storage, chain, renewed
        self._seconds, self._patience = seconds, patience
        self._waiting: list[Event] = []
        self._last: Sealed | None = None
        self._enough = asyncio.Event()
        self._written = asyncio.Event()
        self._writing = asyncio.Lock()
        self._failing = False
        self.accounted = 0
        """Up to which position of the log every commit has been noted, as far as this process knows."""

    def note(self, event: Event) -> None:
        """See :class:`~fhirserver.access.audit.event.Audit`."""
        waiting = self._waiting
        waiting.append(event if event.at else event._replace(at=now_microseconds()))
        answering = ANSWERING.get()
        if answering is not None:
            answering.any = True
        if len(waiting) == AT_ONCE:
            self._enough.set()

    @property
    def is_full(self) -> bool:
        return len(self._waiting) >= MOST_WAITING

    async def room(self) -> None:
        """See :class:`~fhirserver.access.audit.event.Audit`."""
        self._enough.set()
        try:
            async with asyncio.timeout(self._patience):
                while self.is_full:
                    written = self._written
                    await written.wait()
        except TimeoutError:
            text = "The audit trail cannot be written: nothing is answered that would not be noted"
            raise refuse(Category.BUSY, "transient", text) from None

    async def run(self) -> None:
        """Write for as long as the server runs. A failure is tried again: nothing is given up."""
        while True:
            await self._rest()
            try:
                await asyncio.shield(self.flush())  # a batch that is half written must not be written twice
            except Exception as error:  # the storage may be back the next time; requests wait when it is full
                self._fails(error)
            else:
                self._failing = False

    async def _rest(self) -> None:
        self._enough.clear()
        if len(self._waiting) >= AT_ONCE and not self._failing:
            return
        try:
            async with asyncio.timeout(self._seconds):
                await self._enough.wait()
        except TimeoutError:
            return

    def _fails(self, error: Exception) -> None:
        if not self._failing:
            log.error("the audit trail cannot be written: %s; it is tried again", type(error).__name__)
        self._failing = True

    async def flush(self) -> None:
        """Write what waits now. Raises what the storage raises; what is not written then still waits."""
        async with self._writing:
            left = len(self._waiting)
            while left > 0:
                left -= await self._write_some(min(left, AT_ONCE))

    async def _write_some(self, count: int) -> int:
        """Write one batch of at most ``count``; how many it has."""
        events = self._waiting[:count]
        while True:
            try:
                data = packed(events) if count < AT_ONCE // 4 else await asyncio.to_thread(packed, events)
                break
            except TooLarge:
                events = events[: len(events) // 2]
        await self._append(events, data)
        del self._waiting[: len(events)]
        self._written.set()
        self._written = asyncio.Event()
        return len(events)

    async def _append(self, events: Sequence[Event], data: bytes) -> None:
        """Put the batch behind the last one, whoever wrote that."""
        self._last = self._last or await self._storage.trail.last()
        for _ in range(_RACES):
            await self._keep_up()
            batch = self._chain.sealed(self._last, events, data, self.accounted)
            if await self._storage.trail.append(batch):
                self._last = batch
                return
            self._last = await self._storage.trail.last()
        raise RuntimeError("others wrote to the audit trail all the time")

    async def _keep_up(self) -> None:
        """Seal with the server's key as it is now, where the last batch was sealed with another; and say whose place it
        takes, where nobody has said so. Foreign batches are sealed behind as well: what they are, verifying tells."""
        last = self._last
        if last is None or last.key == self._chain.name:
            return
        self._chain = self._renewed() if self._renewed else self._chain
        if last.key != self._chain.name:
            with suppress(UnknownKey):
                self._last = await change_key(self._storage, self._chain, last.key) or last

    @property
    def head(self) -> Sealed | None:
        """The last batch that this process has written or seen."""
        return self._last
