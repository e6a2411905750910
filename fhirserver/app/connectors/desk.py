"""The connectors as operations, console and command line see them, from any process."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from adapters.runner.lease import LEASE
from adapters.runner.rehearse import Rehearsal
from adapters.runner.status import ask, asked, told
from adapters.runner.tasks import open_tasks
from fhirserver.app.connectors.catalogue import SUSPENDED, Catalogue, Known
from fhirserver.app.connectors.making import sink_of
from fhirserver.kernel.instants import Clock, SystemClock, parse_instant
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.ports.cells import Cells
from fhirserver.ports.connectors import Asked, ConnectorStatus, Rehearsed, freshness
from fhirserver.ports.storage import Key
from fhirserver.search.expression import Query, SortKey
from fhirserver.store.dead_letters import dead_letters
from fhirserver.store.store import Store
from fhirserver.world.policy import Policy


class Desk:
    """See :class:`fhirserver.ports.connectors.Connectors`."""

    def __init__(self, store: Store, policy: Policy, catalogue: Catalogue, clock: Clock | None = None):
        self._store, self._policy, self._catalogue = store, policy, catalogue
        self._clock = clock or SystemClock()

    @property
    def _cells(self) -> Cells:
        return self._store.storage.cells

    async def names(self) -> Sequence[str]:
        return sorted(await self._catalogue.known())

    async def named(self, endpoint: str) -> str:
        known = await self._catalogue.known()
        return next((one.name for one in known.values() if one.endpoint == endpoint), "")

    async def status(self, name: str) -> ConnectorStatus:
        known = await self._one(name)
        connector = known.connector
        status = ConnectorStatus(name, known.endpoint, problem=known.problem, state="refused")
        if connector is None:
            return status
        value = await self._told(name)
        last, now = value.get("lastExchange", ""), self._clock.now()
        return ConnectorStatus(
            name,
            known.endpoint,
            connector.kind,
            connector.source,
            _state(known, value),
            known.problem,
            value.get("process", ""),
            value.get("since", ""),
            freshness(parse_instant(last) if last else None, now),
            last,
            value.get("lastPull", ""),
            value.get("lastPush", ""),
            value.get("syncing", False),
            await self._store.storage.count(Query("Task", open_tasks(name))),
            await self._lag(name, now),
            await self._store.storage.count(Query("Task", dead_letters(name))),
            value.get("breaker", "closed"),
            value.get("error", ""),
            float(value.get("rate", 0)),
            float(value.get("requests", 0)),
            value.get("counts", {}),
        )

    async def _lag(self, name: str, now: datetime) -> float:
        """The age of the oldest open writeback in seconds."""
        oldest = Query("Task", open_tasks(name), sort=(SortKey("authored-on", "date"),), count=1)
        page = await self._store.search(oldest)
        begun = [parse_instant(loads(one.content)["authoredOn"]) for one in page.versions]
        return max(0.0, (now - begun[0]).total_seconds()) if begun else 0.0

    async def sync(self, name: str) -> Asked:
        known = await self._one(name)
        value = await self._told(name)
        if not known.runs or not value.get("process"):
            return Asked.IDLE
        if known.status == SUSPENDED:
            return Asked.PAUSED
        if value.get("breaker") == "open":
            return Asked.DOWN
        if value.get("syncing") or await asked(self._cells, name) > value.get("handled", 0):
            return Asked.RUNNING
        return Asked.ACCEPTED if await ask(self._cells, name) else Asked.RUNNING

    async def _told(self, name: str) -> JsonObject:
        """What was told last; by no process where nobody holds the lease."""
        cell, lease = await told(self._cells, name), await self._cells.read(LEASE + name)
        value: JsonObject = dict(cell.value) if cell else {}
        if lease is None or not lease.value.get("holder"):
            value |= {"process": "", "state": "", "syncing": False}
        return value

    async def rehearse(self, name: str, keys: Sequence[Key]) -> Sequence[Rehearsed]:
        known = await self._one(name)
        if known.connector is None:
            return ()
        sink = sink_of(known.connector)
        return await Rehearsal(self._store, self._policy, sink).rehearse(keys)

    async def _one(self, name: str) -> Known:
        known = (await self._catalogue.known()).get(name)
        if known is None:
            raise refuse(Category.NOT_FOUND, "not-found", f"There is no connector '{name[:64]}'")
        return known


def _state(known: Known, value: JsonObject) -> str:
    """What it is, by what it shall be and by what was told last."""
    at_work = str(value.get("state", "")) if value.get("process") else ""
    if not known.runs:
        return "stopping" if at_work else "off"
    if known.status == SUSPENDED:
        return "stopping" if at_work not in ("", "paused") else "paused"
    return at_work if at_work and at_work != "paused" else "starting"
