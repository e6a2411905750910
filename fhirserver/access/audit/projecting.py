"""AuditEvents as resources: derived from the trail when somebody who may read them asks, or in idle time.

They are ordinary rows to reads, searches and history, as derived Provenances are (ADR 4): nobody pays for them who
only reads patients. Only the batches are derived that a question can be about, so a question about one day does not
wait for a year. A rebuild drops them; they come again when they are asked for.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence

from fhirserver.access.audit.chain import events_of
from fhirserver.access.audit.derived import AUDIT, Known, audit_events
from fhirserver.access.audit.event import Event, Shown
from fhirserver.kernel.ids import is_id
from fhirserver.kernel.instants import microseconds
from fhirserver.kernel.json import JsonObject, dumps, loads
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.ports.audit import Sealed
from fhirserver.ports.storage import Change, Fact, Projection, Row, Version
from fhirserver.search.compartments import PATIENT, may_be_in
from fhirserver.search.compartments import patients as patients_of
from fhirserver.store.store import Store

DERIVED = ("audit", "derived")
"""The fact that says which batches are derived: ``{"spans": [[from, to], …]}``."""
_FIRST = -(10**18)
_PLACES = 10**7
"""Numbers of rows grow with time, ten million for each batch, far below those of all Provenances."""
_LEDGER = dumps({"v": []})
_ID = re.compile(r"audit-([1-9]\d{0,14})-(\d{1,7})\Z")
FOREVER = 2**62
PATIENCE_SECONDS = 20.0
"""How long a request waits for AuditEvents to be made."""


class AuditEvents:
    """The AuditEvents of a tenant. ``server`` is the FHIR base."""

    def __init__(self, store: Store, server: str):
        self._store, self._server = store, server
        self._deriving = asyncio.Lock()

    async def derive(self, low: int = 0, high: int = FOREVER) -> None:
        """Have every AuditEvent of the times ``low ≤ t < high`` (microseconds) as a resource.

        Raises a refusal (503) where that takes longer than a request may: what was done is kept.
        """
        async with self._deriving:
            await self._store.parameters.refresh()
            until = time.monotonic() + PATIENCE_SECONDS
            async for number in self._missing(low, high):
                if time.monotonic() > until:
                    raise _too_many()
                await self._derive(number)

    async def _missing(self, low: int, high: int) -> AsyncIterator[int]:
        """The batches that may have entries of these times and are not derived."""
        done = await self.derived()
        if low > 0 or high < FOREVER:
            for number in await self._store.storage.trail.between(low, high):
                if not _within(done, number):
                    yield number
            return
        number = _gap(done, 0)
        while batches := await self._store.storage.trail.read(number, 1):
            number = batches[0].number
            if not _within(done, number):
                yield number
            number = _gap(done, number)

    async def derive_one(self, id: str) -> None:
        """Have the AuditEvent with an id as a resource, if it is one of the trail's."""
        found = _ID.match(id)
        if found is None:
            return
        async with self._deriving:
            if not _within(await self.derived(), int(found[1])):
                await self._store.parameters.refresh()
                await self._derive(int(found[1]))

    async def derive_batches(self, spans: Sequence[Sequence[int]]) -> None:
        """Derive batches from and to, whether they are or not: a rebuild has dropped them."""
        async with self._deriving:
            await self._store.parameters.refresh()
            for low, high in spans:
                for number in range(low, high + 1):
                    await self._derive(number)

    async def derived(self) -> list[list[int]]:
        """The batches that are derived, by this process or another: from and to."""
        fact = await self._store.fact(*DERIVED)
        return list(fact.value["spans"]) if fact else []

    async def _derive(self, number: int) -> None:
        batches = await self._store.storage.trail.read(number - 1, 1)
        if not batches or batches[0].number != number:
            return
        try:
            changes = await self._changes(batches[0])
        except ValueError:
            changes = []  # damaged: credence audit verify says so
        known = await self._store.fact(*DERIVED)
        done = _with(known.value["spans"] if known else [], number)
        fact = Fact(*DERIVED, {"spans": done}, sum(high - low + 1 for low, high in done))
        await self._store.storage.project(Projection(changes, (fact,)))

    async def made(self, number: int, low: int = 0, high: int = FOREVER) -> list[JsonObject]:
        """The AuditEvents of a batch and of the times ``low ≤ t < high``; nothing is stored."""
        batches = await self._store.storage.trail.read(number - 1, 1)
        if not batches or batches[0].number != number:
            return []
        whole = await self._resources(batches[0])
        return [one for one in whole if low <= microseconds(one["recorded"]) < high]

    async def _changes(self, batch: Sealed) -> list[Change]:
        resources = await self._resources(batch)
        return [self._change(batch, number, one) for number, one in enumerate(resources)]

    async def _resources(self, batch: Sealed) -> list[JsonObject]:
        events = events_of(batch)
        owners = await self._owners(events)
        made = (one for event in events for one in audit_events(event, self._known_of(event, owners)))
        return [_named(batch.number, number, one) for number, one in enumerate(made)]

    def _known_of(self, event: Event, owners: dict[Shown, frozenset[str]]) -> Known:
        concerned = {id for version in _versions(event) for id in owners.get(version, ())}
        concerned |= {id for id in event.patients if is_id(id)}
        if event.type == PATIENT and is_id(event.id):
            concerned.add(event.id)
        return Known(self._server, sorted(concerned), owners)

    async def _owners(self, events: Iterable[Event]) -> dict[Shown, frozenset[str]]:
        """The patients whom the versions concern that events speak of; of a deletion those of the version before."""
        found: dict[Shown, frozenset[str]] = {}
        for shown in dict.fromkeys(version for event in events for version in _versions(event)):
            type, id, number = shown
            if not may_be_in(type):
                continue
            version = await self._store.read_version(type, id, number)
            if version is not None and version.deleted:
                version = await self._store.read_version(type, id, version.version - 1)
            if version is not None and version.content:
                found[shown] = patients_of(loads(version.content))
        return found

    def _change(self, batch: Sealed, number: int, resource: JsonObject) -> Change:
        recorded = resource["recorded"]
        version = Version(AUDIT, resource["id"], 1, batch.accounted, recorded, False, dumps(resource))
        row = Row(_FIRST + batch.number * _PLACES + number, version, _LEDGER)
        return Change(row, True, (), self._store.extract(resource))


def _named(batch: int, number: int, resource: JsonObject) -> JsonObject:
    meta = {"versionId": "1", "lastUpdated": resource["recorded"], **resource.get("meta", {})}
    rest = {name: value for name, value in resource.items() if name not in ("resourceType", "meta")}
    return {"resourceType": AUDIT, "id": f"audit-{batch}-{number}", "meta": meta, **rest}


def _versions(event: Event) -> Iterator[Shown]:
    """The versions that an event is about."""
    if event.type and is_id(event.id) and event.version.isdigit():
        yield event.type, event.id, int(event.version)
    yield from event.shown


def _within(done: Sequence[Sequence[int]], number: int) -> bool:
    return any(low <= number <= high for low, high in done)


def _gap(done: Sequence[Sequence[int]], number: int) -> int:
    """The end of the derived batches that follow ``number`` without a gap; itself where the next is not."""
    return next((high for low, high in done if low <= number + 1 <= high), number)


def _with(done: Sequence[Sequence[int]], number: int) -> list[list[int]]:
    """One more."""
    merged: list[list[int]] = []
    for low, high in sorted([*done, (number, number)], key=lambda span: span[0]):
        if merged and low <= merged[-1][1] + 1:
            merged[-1][1] = max(merged[-1][1], high)
        else:
            merged.append([low, high])
    return merged


def _too_many() -> Refusal:
    text = "The AuditEvents of this time are still being made: ask again, or for a shorter time by 'date'"
    refusal = refuse(Category.BUSY, "incomplete", text)
    refusal.headers["Retry-After"] = "1"
    return refusal
