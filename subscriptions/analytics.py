"""The follower that keeps the rows of analytics. Any number of processes may run it: each step counts once."""

from __future__ import annotations

import asyncio
import logging

from fhirserver.interactions.analytics.projection import Projection
from fhirserver.store.followers import FAILURES, GATHER_SECONDS, POSITION
from fhirserver.store.store import Store

IDLE_SECONDS = 1.0
_NAME = "analytics"

log = logging.getLogger("credence.analytics")


class AnalyticsFollower:
    """Follows the log of one store into its projection."""

    def __init__(self, store: Store, projection: Projection):
        self._store, self._projection = store, projection

    async def run(self) -> None:
        """For ever. A failing step is tried again, slower and slower, and nothing is skipped."""
        failures = 0
        while True:
            try:
                moved = await self._projection.step()
                failures = 0
            except Exception as error:
                failures += 1
                FAILURES.add(_NAME)
                log.warning("analytics: step failed (%s), try %d", type(error).__name__, failures)
                await asyncio.sleep(min(0.05 * 2**failures, 10))
                continue
            POSITION.set(self._projection.position, _NAME)
            if not moved and await self._store.wait_beyond(self._projection.position, IDLE_SECONDS):
                await asyncio.sleep(GATHER_SECONDS)
