"""An EHR with a REST API of its own, behind the port of :mod:`fhirserver.ports.ehr`, as a mapping file describes it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

import httpx

from adapters.fhir.retries import RetryPolicy, Sleep
from adapters.rest.exchange import Exchange, Made
from adapters.rest.expressions import Evaluator
from adapters.rest.functions import Functions
from adapters.rest.inward import Inward
from adapters.rest.mapping import MappingFile, Resource
from adapters.rest.paging import Lister
from adapters.rest.patience import Patience
from adapters.rest.pull import Puller
from adapters.rest.push import Pusher
from adapters.rest.reader import Reader
from adapters.rest.tokens import Authoriser, Credentials, make_authoriser
from adapters.rest.topics import TopicSubscriber
from fhirserver.kernel.instants import Clock, SystemClock
from fhirserver.kernel.json import Json, JsonObject
from fhirserver.ports.ehr import (
    Capabilities,
    Change,
    EhrError,
    Gone,
    Health,
    Page,
    Receipt,
    Record,
    TypeCapabilities,
)


@dataclass(frozen=True, slots=True)
class RestSettings:
    """How one EHR is reached. Times are seconds.

    ``url`` replaces the mapping's. ``settings`` are those that the mapping asks for. ``types`` are
    pulled, all where empty.
    """

    mapping: MappingFile
    credentials: Credentials
    url: str = ""
    settings: Mapping[str, Json] = field(default_factory=dict)
    types: Sequence[str] = ()
    connect_timeout: float = 5.0
    answer_timeout: float = 30.0
    connections: int = 8
    visible_within: float | None = None
    retries: RetryPolicy = field(default_factory=RetryPolicy)


def make_inward(mapping: MappingFile, settings: Mapping[str, Json], clock: Clock | None = None) -> Inward:
    """What maps records of one practice. Raises :class:`ValueError` for settings that are wrong."""
    full: JsonObject = mapping.with_settings(settings)
    server = mapping.server
    functions = Functions(mapping.codes, "UTC", server.date_format, server.time_format, clock)
    evaluator = Evaluator(functions)
    functions.zone = server.time_zone.text(evaluator, {}, {"_settings": full}) or "UTC"
    return Inward(mapping, evaluator, full)


class RestEhr:
    """One EHR. Reads within a pull are retried; a push is one attempt, to be repeated by whoever keeps the change."""

    def __init__(
        self,
        settings: RestSettings,
        *,
        clock: Clock | None = None,
        sleep: Sleep = asyncio.sleep,
        transport: httpx.AsyncBaseTransport | None = None,
    ):
        self.settings, self.mapping = settings, settings.mapping
        self.retries = settings.retries
        clock = clock or SystemClock()
        inward = make_inward(self.mapping, settings.settings, clock)
        http = _http(settings, transport)
        base = settings.url or self.mapping.server.url
        self._exchange = Exchange(base, inward, http, _authoriser(settings, http, base, clock), clock)
        lister = Lister(self._exchange, inward, settings.retries, sleep)
        self._reader = Reader(self._exchange, lister, inward)
        self._puller = Puller(self._exchange, lister, self._reader, settings.types)
        within = self.mapping.server.visible_within
        seconds = within if settings.visible_within is None else settings.visible_within
        self.visible_within = seconds
        patience = Patience(seconds, sleep, time.monotonic)
        self._pusher = Pusher(self._exchange, lister, self._reader, patience)
        self.inward = inward

    async def pull(self, cursor: JsonObject | None = None) -> AsyncIterator[Page]:
        """See :meth:`fhirserver.ports.ehr.Ehr.pull`. Raises ``InvalidCursor`` for one that is not ours."""
        async for page in self._puller.pages(cursor):
            yield page

    def name(self, type: str, id: str) -> None:
        """Have a record read with the next pull, because a webhook named it."""
        if type in self.mapping.resources:
            self._puller.name(type, id)

    async def subscribe(self, target: str) -> list[str]:
        """Have webhooks sent to ``target``. The keys by which the vendor signs them, where it says."""
        rules = self.mapping.webhook
        if rules is None or rules.subscribe is None:
            return []
        return await TopicSubscriber(self._exchange, self.inward, rules.subscribe).keys(target)

    async def push(self, change: Change) -> Receipt:
        receipt = await self._pusher.push(change)
        self._puller.forget(receipt.record)
        await self._learn_move(receipt.record)
        return receipt

    async def _learn_move(self, record: Record) -> None:
        """Where a write of ours moved a record on, know it before a list tells of it."""
        resource = self.mapping.resources[record.type]
        if resource.moved_to is None or record.deleted:
            return
        try:
            _, id = await self._reader.follow(resource, record.id)
        except EhrError:
            return  # the next list will tell
        if id != record.id:
            self._puller.moved.setdefault(record.type, {})[id] = record.id

    async def read(self, type: str, id: str) -> Record:
        record = await self._reader.read(type, id)
        if record.deleted:
            raise Gone("the record is deleted in the EHR")
        return record

    async def find(self, type: str, system: str, value: str) -> Sequence[Record]:
        return await self._reader.find(type, system, value)

    async def health(self) -> Health:
        start = time.perf_counter()
        try:
            await self._exchange.send(Made("GET", self._health_path()))
        except EhrError as error:
            return Health(False, time.perf_counter() - start, type(error).__name__)
        return Health(True, time.perf_counter() - start)

    def _health_path(self) -> str:
        inward, server = self._reader.inward, self.mapping.server
        prefix = server.path.path(inward.evaluator, {}, inward.scope())
        health = server.health.path(inward.evaluator, {}, inward.scope()) if server.health else ""
        return prefix + health

    async def capabilities(self) -> Capabilities:
        """What the mapping can do."""
        types = {resource.type: _capabilities(resource) for resource in self.mapping.resources.values()}
        return Capabilities(self.mapping.name, "4.0.1", types)

    async def close(self) -> None:
        await self._exchange.close()


def _capabilities(resource: Resource) -> TypeCapabilities:
    offered = {
        "search-type": resource.list is not None or resource.within is not None,
        "read": resource.read is not None,
        "create": resource.create is not None,
        "update": bool(resource.update),
        "delete": resource.delete is not None,
    }
    names = frozenset(name for name, is_offered in offered.items() if is_offered)
    return TypeCapabilities(names, frozenset(("identifier",)) if resource.find else frozenset())


def _authoriser(settings: RestSettings, http: httpx.AsyncClient, base: str, clock: Clock) -> Authoriser:
    auth = settings.mapping.server.auth
    url = httpx.URL(base.rstrip("/") + "/").join(f"./{auth.token_path.lstrip('/')}")
    return make_authoriser(auth, settings.credentials, http, url, clock)


def _http(settings: RestSettings, transport: httpx.AsyncBaseTransport | None) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        timeout=httpx.Timeout(settings.answer_timeout, connect=settings.connect_timeout),
        limits=httpx.Limits(
            max_connections=settings.connections, max_keepalive_connections=settings.connections
        ),
        transport=transport,
        trust_env=False,
    )
