"""What the telephone's process notes for the audit: it has no trail of its own, so the server is told, as AuditEvents.

Whoever comes with a pass of the server's was noted there already. What is left are those who ask this process
themselves, with a token of the settings.
"""

from __future__ import annotations

import asyncio
import logging

from agent.tools.client import FhirClient, Unreachable
from fhirserver.access.audit.derived import Known, audit_events
from fhirserver.access.audit.event import Event, now_microseconds
from fhirserver.access.desk_passes import SERVER
from fhirserver.kernel.outcomes import Category, refuse

SECONDS = 1.0
"""How long an event waits at most before it is told."""
MOST_WAITING = 1_000
_PATIENCE = 10.0

log = logging.getLogger("credence.audit")


class ToldAudit:
    """An :class:`~fhirserver.access.audit.event.Audit`. Run it beside the process."""

    def __init__(self, client: FhirClient, patience: float = _PATIENCE):
        """``patience``: seconds that a request waits for room before it is refused."""
        self._client, self._patience = client, patience
        self._waiting: list[Event] = []
        self._told = asyncio.Event()
        self._failing = False

    def note(self, event: Event) -> None:
        """See :class:`~fhirserver.access.audit.event.Audit`."""
        if event.client != SERVER:
            self._waiting.append(event if event.at else event._replace(at=now_microseconds()))

    @property
    def is_full(self) -> bool:
        return len(self._waiting) >= MOST_WAITING

    async def room(self) -> None:
        """See :class:`~fhirserver.access.audit.event.Audit`."""
        try:
            async with asyncio.timeout(self._patience):
                while self.is_full:
                    await self._told.wait()
        except TimeoutError:
            text = "The server cannot be told who asks: nothing is answered that would not be noted"
            raise refuse(Category.BUSY, "transient", text) from None

    async def run(self) -> None:
        """Tell the server for as long as the process runs. What it does not take is told again."""
        while True:
            await asyncio.sleep(SECONDS)
            await self.flush()

    async def flush(self) -> None:
        """Tell what waits now, as far as it is taken."""
        while self._waiting and await self._tell(self._waiting[0]):
            del self._waiting[0]
            self._failing = False
            self._told.set()
            self._told = asyncio.Event()

    async def _tell(self, event: Event) -> bool:
        (resource,) = audit_events(event, Known(self._client.base))
        try:
            answer = await self._client.send("POST", "AuditEvent", resource)
        except Unreachable as error:
            return self._fails(str(error))
        return answer.ok or self._fails(f"HTTP {answer.status}")

    def _fails(self, why: str) -> bool:
        if not self._failing:
            log.error("the server does not take AuditEvents: %s; it is told again", why)
        self._failing = True
        return False
