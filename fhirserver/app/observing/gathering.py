"""What is looked up when somebody asks for figures: the log, the followers' lag, queues, subscriptions, sizes."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from fhirserver.app.observing.exposition import exposed
from fhirserver.kernel.measures import MEASURES, Described, Gathered, Measures
from fhirserver.ports.connectors import Connectors, ConnectorStatus
from fhirserver.ports.storage import Measured
from fhirserver.search.expression import Query, TokenIs
from fhirserver.store.store import Store

log = logging.getLogger("credence.metrics")

KEPT_SECONDS: Final = 2.0
"""What was looked up is told again for so long, whoever asks."""
_STATUSES: Final = ("requested", "active", "error", "off")
_CONNECTOR: Final = {
    "queue": ("credence_connector_queue", "Changes that wait for an EHR"),
    "lag": ("credence_connector_lag_seconds", "Age of the oldest change that waits for an EHR"),
    "dead_letters": ("credence_connector_dead_letters", "Tasks that failed and wait for a person"),
}
Series = dict[tuple[str, ...], float]
Look = Callable[[], Awaitable[Sequence[Gathered]]]


def _gauge(name: str, text: str, series: Mapping[tuple[str, ...], float], *labels: str) -> Gathered:
    numbers = {values: [float(number)] for values, number in series.items()}
    return Gathered(Described(name, text, "gauge", labels), numbers)


class Figures:
    """All figures of a process that serves: those that are counted, and those that ``look`` looks up."""

    def __init__(self, look: Look | None = None, measures: Measures = MEASURES):
        self._look, self._measures = look, measures
        self._looking = asyncio.Lock()
        self._seen: Sequence[Gathered] = ()
        self._seen_at = float("-inf")

    async def text(self, accept: str) -> tuple[bytes, str]:
        """See :data:`fhirserver.rest.metrics.Render`. Rendered in a thread: there may be thousands of lines."""
        figures = [*self._measures.gathered(), *await self._looked_up()]
        return await asyncio.to_thread(exposed, figures, self._measures.processes(), accept)

    async def _looked_up(self) -> Sequence[Gathered]:
        if self._look is None:
            return ()
        async with self._looking:
            if time.monotonic() - self._seen_at > KEPT_SECONDS:
                self._seen = await self._look()
                self._seen_at = time.monotonic()
            return self._seen


class Lookup:
    """What a server looks up. What cannot be is left out, and the rest is told: figures matter most in trouble."""

    def __init__(self, store: Store, connectors: Connectors, measures: Measures = MEASURES):
        self._store, self._connectors, self._measures = store, connectors, measures

    async def __call__(self) -> Sequence[Gathered]:
        found: list[Gathered] = []
        for look in (self._log, self._queues, self._subscriptions, self._sizes):
            try:
                async with asyncio.timeout(5):
                    found += await look()
            except Exception as error:  # a storage that is down takes no figure of memory with it
                log.warning("figures of %s: %s", look.__name__.strip("_"), type(error).__name__)
        return found

    async def _log(self) -> Sequence[Gathered]:
        head = await self._store.storage.head()
        positions = next(
            one.series
            for one in self._measures.gathered()
            if one.described.name == "credence_follower_position"
        )
        lags: Series = {labels: max(0.0, head.position - numbers[0]) for labels, numbers in positions.items()}
        return (
            _gauge("credence_log_position", "Commits in the log", {(): head.position}),
            _gauge(
                "credence_projection_lag_commits",
                "Commits not projected yet",
                {(): head.position - head.projected},
            ),
            _gauge(
                "credence_follower_lag_commits", "Commits a follower has not handled yet", lags, "follower"
            ),
        )

    async def _queues(self) -> Sequence[Gathered]:
        known = [await self._connectors.status(name) for name in await self._connectors.names()]
        gauges = [
            _gauge(name, text, {(one.name,): getattr(one, member) for one in known}, "connector")
            for member, (name, text) in _CONNECTOR.items()
        ]
        up: Series = {(one.name,): float(_is_up(one)) for one in known}
        text = "Whether a connector works and its EHR answers, or shall not at this time"
        done = {(one.name, what): float(count) for one in known for what, count in one.counts.items()}
        counted = Gathered(
            Described(
                "credence_connector_records_total",
                "What became of records",
                "counter",
                ("connector", "result"),
            ),
            {labels: [number] for labels, number in done.items()},
        )
        return (*gauges, _gauge("credence_connector_up", text, up, "connector"), counted)

    async def _subscriptions(self) -> Sequence[Gathered]:
        counts: Series = {
            (status,): float(await self._store.storage.count(_subscriptions(status))) for status in _STATUSES
        }
        return (_gauge("credence_subscriptions", "Subscriptions by status", counts, "status"),)

    async def _sizes(self) -> Sequence[Gathered]:
        storage = self._store.storage
        sizes = await storage.sizes() if isinstance(storage, Measured) else {}
        told: Series = {(part,): float(size) for part, size in sizes.items()}
        return (_gauge("credence_storage_bytes", "Size of the storage by part", told, "part"),)


def _subscriptions(status: str) -> Query:
    return Query("Subscription", TokenIs("status", None, status))


def _is_up(status: ConnectorStatus) -> bool:
    resting = status.state in ("paused", "closed", "off")
    return resting or (status.state in ("running", "starting") and status.breaker == "closed")
