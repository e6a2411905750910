"""An EHR that speaks FHIR R4 over HTTP, behind the port of :mod:`fhirserver.ports.ehr`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import httpx

from adapters.fhir.exchange import MOST_BYTES, Exchange
from adapters.fhir.pull import DEPENDENCY_ORDER, Puller
from adapters.fhir.push import Pusher
from adapters.fhir.retries import RetryPolicy, Sleep
from adapters.fhir.statement import read_statement
from adapters.fhir.tokens import TokenProvider
from fhirserver.kernel.instants import Clock, SystemClock
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.ehr import Capabilities, Change, EhrError, Health, Page, Receipt, Record


@dataclass(frozen=True, slots=True)
class FhirSettings:
    """How one EHR is reached. Times are seconds.

    ``base_url`` is the FHIR base. ``types`` are pulled in this order, as far as the EHR has them.
    ``overlap`` is how far back each pull reads again: at least as long as the EHR's slowest write takes to
    become visible.
    ``tag_updates`` marks our updates with their key; off for EHRs that refuse unknown tags.
    """

    base_url: str
    types: Sequence[str] = DEPENDENCY_ORDER
    overlap: float = 30.0
    page_size: int = 200
    connect_timeout: float = 5.0
    answer_timeout: float = 30.0
    connections: int = 8
    tag_updates: bool = True
    also_at: frozenset[str] = frozenset()
    answer_bytes: int = MOST_BYTES
    retries: RetryPolicy = field(default_factory=RetryPolicy)


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
        overlap = timedelta(seconds=settings.overlap)
        self._puller = Puller(self._exchange, settings.retries, sleep, overlap, settings.page_size)
        self._pusher = Pusher(self._exchange, settings.tag_updates)
        self._capabilities: Capabilities | None = None

    async def pull(self, cursor: JsonObject | None = None) -> AsyncIterator[Page]:
        """See :meth:`fhirserver.ports.ehr.Ehr.pull`. Raises ``InvalidCursor`` for one that is not ours."""
        capabilities = await self._known()
        types = [type for type in self.settings.types if _offers(capabilities, type, "search-type")]
        deletions = frozenset(t for t in types if "history-type" in capabilities.of(t).interactions)
        async for page in self._puller.pages(cursor, types, deletions):
            yield page

    async def push(self, change: Change) -> Receipt:
        conditional = (await self.capabilities()).of(change.type).conditional_create
        return await self._pusher.push(change, conditional)

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
        return Health(True, time.perf_counter() - start)

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
