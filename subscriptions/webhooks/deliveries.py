"""Starts, tells and ends the tasks of all webhooks, as their records change."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Final

from fhirserver.interactions.webhooks.webhook import Webhook
from subscriptions.webhooks.endpoint import Endpoint, Office

LOOK_SECONDS: Final = 0.5
_END_SECONDS: Final = 2.0

log = logging.getLogger("credence.webhooks")


@dataclass
class _Working:
    endpoint: Endpoint
    task: asyncio.Task[None]


class WebhookDeliveries:
    """All webhooks of one workspace. Other processes change the records: they are looked at now and then."""

    def __init__(self, office: Office):
        self._office = office
        self._working: dict[str, _Working] = {}

    async def run(self) -> None:
        """Serve every webhook, for ever."""
        try:
            while True:
                try:
                    await self._take_up(await self._office.records.all())
                except Exception as error:
                    log.warning("webhooks cannot be read (%s), once more", type(error).__name__)
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            await self._end(list(self._working))

    async def _take_up(self, webhooks: list[Webhook]) -> None:
        now = self._office.store.now()
        known = {one.id: one.at(now) for one in webhooks}
        await self._end([id for id in self._working if id not in known], noting=False)
        for id, webhook in known.items():
            if id in self._working:
                self._working[id].endpoint.update(webhook)
            else:
                endpoint = Endpoint(self._office, webhook)
                task = asyncio.create_task(endpoint.run(), name=f"webhook:{id}")
                self._working[id] = _Working(endpoint, task)

    async def _end(self, ids: list[str], noting: bool = True) -> None:
        """End some; with ``noting`` what they have not yet said of how far they got."""
        ending = [self._working.pop(id) for id in ids]
        tasks = [one.task for one in ending]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_END_SECONDS)
        for one in ending if noting else ():
            try:
                await one.endpoint.close()
            except Exception as error:
                log.warning("a webhook could not note how far it got: %s", type(error).__name__)
