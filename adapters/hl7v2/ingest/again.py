"""Another try for the messages whose Task an operator set to ``requested``, say after the maps were put right."""

from __future__ import annotations

import asyncio
import logging

from adapters.hl7v2.ingest.dead_letters import entry_of
from adapters.hl7v2.intake.archive import Archive
from adapters.hl7v2.intake.reception import Reception
from adapters.hl7v2.malformed import MalformedMessage
from adapters.runner.tasks import SYSTEM, moved, requested_intake
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.ports.log import Statement
from fhirserver.search.expression import Query
from fhirserver.store.commands import Command, Put
from fhirserver.store.store import Store

log = logging.getLogger("credence.hl7")

_PAUSE = 2.0
_SOME = 50


class Again:
    """``reception`` is that of the connector's listener."""

    def __init__(self, store: Store, connector: str, reception: Reception):
        self._store, self._connector, self._reception = store, connector, reception
        self._archive = Archive(store)

    async def run(self) -> None:
        """Look for such Tasks for ever, whenever the log has grown."""
        seen = -1
        while True:
            if (head := self._store.head) != seen:
                seen = head
                try:
                    await self.step()
                except Exception as error:  # the storage may be back the next time
                    log.warning("%s: no message was tried again: %s", self._connector, type(error).__name__)
            await asyncio.sleep(_PAUSE)
            await self._store.wait_beyond(seen, _PAUSE)

    async def step(self) -> int:
        """Try each once. Returns how many there were. One that fails again has a failed Task again."""
        page = await self._store.search(Query("Task", requested_intake(self._connector), count=_SOME))
        for version in page.versions:
            task = loads(version.content)
            entry = await self._archive.entry(entry_of(task))
            raw = await self._archive.raw(entry) if entry else None
            if entry is None or raw is None:
                text = "The message is closed, and its bytes are only in the log"
                await self._put(version.id, moved(task, "cancelled", text))
                continue
            await self._put(version.id, moved(task, "in-progress"))
            await self._try(raw, entry.key)
        return len(page.versions)

    async def _try(self, raw: bytes, entry: str) -> None:
        try:
            await self._reception.again(raw, entry)
        except MalformedMessage:  # as before, or otherwise: it is recorded as though it had arrived so
            await self._reception.receive(raw)

    async def _put(self, id: str, task: JsonObject) -> None:
        says = Statement(SYSTEM, principal=f"intake:{self._connector}", method="intake")
        await self._store.submit(Command(says, (Put("Task", id, task),)))
