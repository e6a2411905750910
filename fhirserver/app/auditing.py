"""The audit put together: the recorder of a process, the accounting of its tenant, what is taken away at last."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any

from fhirserver.access.audit.accounting import Accounting
from fhirserver.access.audit.chain import Chain
from fhirserver.access.audit.event import STOP, Event
from fhirserver.access.audit.keeping import keep
from fhirserver.access.audit.recorder import Recorder
from fhirserver.app.server_key import server_key
from fhirserver.app.settings import Settings
from fhirserver.store.store import Store

KEEP_SECONDS = 3600.0
HEAD_SECONDS = 3600.0
"""Between two notes of the trail's end in the server's log."""

log = logging.getLogger("credence.audit")


def _chain(settings: Settings) -> Chain:
    """Seals by the server's key as it is now."""
    return Chain(server_key(settings))


class Auditing:
    """What a process does for the audit. ``accounts``: it is the one that follows the log for all of them;
    ``alone``: there are no others."""

    def __init__(self, settings: Settings, store: Store, accounts: bool, alone: bool):
        self._days = settings.audit.keep_days
        self._store = store
        self.recorder = Recorder(store.storage, _chain(settings), renewed=partial(_chain, settings))
        self._accounting = Accounting(store, self.recorder, alone) if accounts else None

    async def begin(self) -> None:
        """Once the store is open, and before anything is asked."""
        if self._accounting is not None:
            await self._accounting.begin()

    def loops(self) -> Sequence[tuple[str, Callable[[], Coroutine[Any, Any, None]]]]:
        """What runs beside the server."""
        loops: list[tuple[str, Callable[[], Coroutine[Any, Any, None]]]] = [("audit", self.recorder.run)]
        if self._accounting is not None:
            loops += [("audit-accounting", self._accounting.run), ("audit-head", self._tell_head)]
            if self._days:
                loops.append(("audit-keeping", self._keep))
        return loops

    async def end(self) -> None:
        """Write what is left, before the store is closed."""
        if self._accounting is not None:
            self.recorder.note(Event(STOP))
        try:
            await self.recorder.flush()
        except Exception as error:  # the storage is gone: whoever reads the log must know
            log.error("the last entries of the audit trail could not be written: %s", type(error).__name__)
        self.tell()

    async def _tell_head(self) -> None:
        while True:
            await asyncio.sleep(HEAD_SECONDS)
            self.tell()

    def tell(self) -> None:
        """Note in the server's log where the trail ends: a log that is kept elsewhere shows what was cut off."""
        head = self.recorder.head
        if head is not None:
            log.info("audit trail: batch %d, seal %s", head.number, head.seal.hex())

    async def _keep(self) -> None:
        while True:
            try:
                await keep(self._store.storage, self.recorder, self._days)
            except Exception as error:  # the storage may be back the next time
                log.warning("the audit trail was not shortened: %s", type(error).__name__)
            await asyncio.sleep(KEEP_SECONDS)
