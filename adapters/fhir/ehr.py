"""An EHR that speaks FHIR R4 over HTTP, behind the port of :mod:`fhirserver.ports.ehr`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import httpx

from adapters.fhir.bulk import BulkLoad, BulkSettings
from adapters.fhir.bundles import Bundles
from adapters.fhir.cursor import Cursor, Mark, read_cursor, whole_milliseconds
from adapters.fhir.exchange import MOST_BYTES, Exchange
from adapters.fhir.hints import Hints
from adapters.fhir.pull import DEPENDENCY_ORDER, Puller, PullSettings
from adapters.fhir.push import Pusher
from adapters.fhir.retries import RetryPolicy, Sleep
from adapters.fhir.statement import read_statement
from adapters.fhir.subscribing import Subscriber, Wanted
from adapters.fhir.tokens import TokenProvider
from fhirserver.kernel.instants import Clock, SystemClock
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.ehr import Capabilities, Change, EhrError, Health, Page, Receipt, Record


@dataclass(frozen=True, slots=True)
class FhirSettings:
    """How one EHR is reached. Times are seconds.

    ``base_url`` is the FHIR base. ``types`` are pulled in this order, as far as the EHR has them.
    ``overlap`` is how far back each pull reads again: at least as long as the EHR's slowest write takes to
    become visible. Types that the EHR cannot search by ``_lastUpdated`` are read as a whole every ``whole_every``;
    ``without_last_updated`` names them where the EHR does not say so.
    ``tag_updates`` marks our updates with their key; off for EHRs that refuse unknown tags. ``if_match`` off: the EHR
    checks no versions, and what stands there is read and compared before each update.
    ``also_at`` are origins to which its links may lead, beside its own. ``answer_bytes``: the most that one answer may
    be. ``bulk`` is how a first load is made.
    """

    base_url: str
    types: Sequence[str] = DEPENDENCY_ORDER
    overlap: float = 30.0
    page_size: int = 200
    whole_every: float = 900.0
    without_last_updated: frozenset[str] = frozenset()
    connect_timeout: float = 5.0
    answer_timeout: float = 30.0
    connections: int = 8
    tag_updates: bool = True
    if_match: bool = True
    also_at: frozenset[str] = frozenset()
    answer_bytes: int = MOST_BYTES
    bulk: BulkSettings = field(default_factory=BulkSettings)
    retries: RetryPolicy = field(default_factory=RetryPolicy)

    def pulling(self) -> PullSettings:
        return PullSettings(self.overlap, self.page_size, self.whole_every, self.without_last_updated)


class FhirEhr:
    """One EHR.

    Reads within a pull are retried; a push is one attempt, to be repeated by whoever keeps the change.
    """

    def __init__(
        self,
        settings: FhirSettings,
        tokens: TokenProvider,
        *,
        clock: Clock | None = None,
        sleep: Sleep = asyncio.sleep,
        transport: httpx.AsyncBaseTransport | None = None,
    ):
        self.settings = settings
        self.retries = settings.retries
        self._sleep = sleep
        http = _http(settings, transport)
        self._exchange = Exchange(
            settings.base_url, tokens, http, clock or SystemClock(), settings.also_at, settings.answer_bytes
        )
        self._bundles = Bundles(self._exchange, settings.retries, sleep)
        self._puller = Puller(self._exchange, self._bundles, settings.pulling())
        self._pusher = Pusher(self._exchange, settings.tag_updates)
        self._hints = Hints(self._exchange)
        self._capabilities: Capabilities | None = None

    async def pull(self, cursor: JsonObject | None = None) -> AsyncIterator[Page]:
        """See :meth:`fhirserver.ports.ehr.Ehr.pull`. Raises ``InvalidCursor`` for one that is not ours.

        What notifications named comes first. A first pull is an export where the EHR offers one.
        """
        place = read_cursor(cursor)
        if hinted := await self._hints.read(self.settings.types):
            yield Page(hinted, place.as_json())
        capabilities = await self._known()
        types = [type for type in self.settings.types if _offers(capabilities, type, "search-type")]
        async for page in self._export(place, capabilities, types):
            yield page
        histories = frozenset(t for t in types if "history-type" in capabilities.of(t).interactions)
        system = "history-system" in capabilities.interactions and len(histories) < len(types)
        async for page in self._puller.pages(place, types, histories, system):
            yield page

    async def _export(
        self, place: Cursor, capabilities: Capabilities, types: Sequence[str]
    ) -> AsyncIterator[Page]:
        """The first load, or what is left of one."""
        settings = self.settings.bulk
        path = settings.path(capabilities)
        begun = place.export and "over" not in place.export
        if not path or not types or not (begun or not (place.export or place.types)):
            return
        load = BulkLoad(
            self._exchange, self.retries, self._sleep, settings, types, path, self.settings.page_size
        )
        async for step in load.steps(place.export):
            place.export = step.place
            if step.at is not None:
                since = whole_milliseconds(step.at - timedelta(seconds=self.settings.overlap))
                place.types |= {type: Mark.make(since, seen) for type, seen in step.complete.items()}
                place.system = Mark(since)
            yield Page(step.records, place.as_json(), matters=True)

    def name(self, type: str, id: str) -> None:
        """Have a record read at the beginning of the next pull, because a notification named it."""
        self._hints.add(((type, id),))

    async def keep_subscriptions(self, wanted: Wanted) -> int:
        """Make and renew our Subscriptions at the EHR; how many of them are active."""
        return await Subscriber(self._exchange, wanted).keep(self.settings.types)

    async def push(self, change: Change) -> Receipt:
        can = (await self.capabilities()).of(change.type)
        checked = self.settings.if_match and can.versioning in ("", "versioned-update")
        return await self._pusher.push(change, can.conditional_create, checked)

    async def read(self, type: str, id: str) -> Record:
        return await self._exchange.read(type, id)

    async def find(self, type: str, system: str, value: str) -> Sequence[Record]:
        return await self._exchange.search(type, {"identifier": f"{system}|{value}"})

    async def health(self) -> Health:
        start = time.perf_counter()
        try:
            await self._exchange.send("GET", "metadata")
        except EhrError as error:
            return Health(False, time.perf_counter() - start, type(error).__name__)
        not_read = ", ".join(f"{type} ({why})" for type, why in sorted(self._puller.refused.items()))
        return Health(True, time.perf_counter() - start, f"not read: {not_read}" if not_read else "")

    async def capabilities(self) -> Capabilities:
        if self._capabilities is None:
            answer = await self._exchange.send("GET", "metadata")
            self._capabilities = read_statement(answer.body or {})
        return self._capabilities

    async def close(self) -> None:
        await self._exchange.close()

    async def _known(self) -> Capabilities:
        known: Capabilities = await self.retries.retrying(self._sleep)(self.capabilities)
        return known


def _http(settings: FhirSettings, transport: httpx.AsyncBaseTransport | None) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        timeout=httpx.Timeout(settings.answer_timeout, connect=settings.connect_timeout),
        limits=httpx.Limits(
            max_connections=settings.connections, max_keepalive_connections=settings.connections
        ),
        transport=transport,
        trust_env=False,
    )


def _offers(capabilities: Capabilities, type: str, interaction: str) -> bool:
    """Whether the EHR has it; one that does not say what it has is believed to have everything."""
    return not capabilities.types or interaction in capabilities.of(type).interactions
