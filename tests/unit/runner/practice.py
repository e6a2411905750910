"""A server's store with one connector to a simulated EHR, its loops turned by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from adapters.fhir.retries import RetryPolicy
from adapters.runner.inbound import Inbound
from adapters.runner.outbound import Outbound
from adapters.runner.writeback import Sink, Writeback
from fhirserver.kernel.json import loads
from fhirserver.model.validation import validate
from fhirserver.ports.log import Statement
from fhirserver.search.expression import Query, TokenIs
from fhirserver.search.index import extract
from fhirserver.storage.sqlite.storage import SqliteStorage
from fhirserver.store.commands import Amend, Command, Decide, Outcome, Put, Ruling
from fhirserver.store.followers import Following
from fhirserver.store.state import Policies
from fhirserver.store.store import Store
from fhirserver.world.policy import default_policy
from fhirserver.world.sources import Source
from fhirserver.world.survivorship import claims_on
from fhirserver.world.vocabulary import TASK_CODE

QUICK = RetryPolicy(first=0.0, cap=0.0)
SOURCES = {
    source.id: source
    for source in (
        Source("credence", "system", authoritative=True),
        Source("ehr", "ehr", authoritative=True),
        Source("operator", "operator"),
        Source(
            "agent",
            "agent",
            base=Decimal("0.3"),
            maximum=Decimal("0.5"),
            acts_on=frozenset({"Appointment", "Slot", "Communication", "DocumentReference"}),
        ),
    )
}


def make_store(path: Path, sources: Mapping[str, Source] = SOURCES) -> Store:
    return Store(SqliteStorage(path), Policies(dict(sources), validate), extract)


class Practice:
    """The parts of one connector on a store; ``holder`` is which process it plays."""

    def __init__(self, store: Store, ehr: Any, holder: str = "", **settings: Any):
        self.store, self.ehr, self.policy = store, ehr, default_policy()
        self.sink = Sink("clinic", "ehr")
        self.inbound = Inbound(store, ehr, "clinic", "ehr")
        if holder:
            settings["holder"] = holder
        settings.setdefault("retries", QUICK)
        self.outbound = Outbound(store, self.policy, ehr, self.sink, self.inbound, **settings)
        self.following = Following(store, Writeback(store, self.policy, self.sink), "credence")

    async def pull(self) -> int:
        return await self.inbound.pull()

    async def follow(self) -> None:
        while await self.following.step():
            pass

    async def settle(self) -> None:
        """Follow and push until nothing is left to do."""
        for _ in range(60):
            await self.follow()
            if not await self.outbound.push_due() and not await self.following.step():
                return
        raise AssertionError("it does not come to rest")

    async def put(self, source: str, type: str, id: str, content: dict[str, Any], **said: Any) -> Outcome:
        put = Put(type, id, {"resourceType": type, "id": id, **content})
        return await self.store.submit(Command(Statement(source, **said), (put,)))

    async def amend(self, source: str, type: str, id: str, **members: Any) -> Outcome:
        def change(content: dict[str, Any]) -> dict[str, Any]:
            changed = {**content, **members}
            return {name: value for name, value in changed.items() if value is not None}

        confidence = members.pop("confidence", None)
        statement = Statement(source, confidence=confidence)
        return await self.store.submit(Command(statement, (Amend(type, id, change),)))

    async def rule(self, kind: str, type: str, id: str, member: str, source: str) -> Outcome:
        entity = await self.store.entity(type, id)
        assert entity is not None
        view = entity.ledger.view(source)
        assert view is not None
        units = [unit for unit in view.stated() if unit.partition("[")[0] == member or member == "*"]
        rulings = [
            Ruling(kind, claim.unit, source, claim.stamp.position)
            for unit in units
            for claim in claims_on(entity.ledger, unit)
            if claim.source == source
        ]
        return await self.store.submit(Command(Statement("operator"), (Decide(type, id, rulings),)))

    async def world(self, type: str, id: str) -> dict[str, Any]:
        version = await self.store.read(type, id)
        assert version is not None
        return dict(loads(version.content)) if version.content else {}

    async def world_id(self, type: str, record: str) -> str:
        link = await self.inbound.crosswalk.by_record(type, record)
        assert link is not None
        return link.world

    async def record_id(self, type: str, world: str) -> str:
        link = await self.inbound.crosswalk.by_world(type, world)
        assert link is not None
        return link.record

    async def tasks(self, code: str = "writeback") -> list[dict[str, Any]]:
        page = await self.store.search(Query("Task", TokenIs("code", TASK_CODE, code), count=1000))
        return sorted((loads(v.content) for v in page.versions), key=lambda task: task["authoredOn"])

    async def statuses(self) -> list[str]:
        return [task["status"] for task in await self.tasks()]

    async def confidence(self, type: str, id: str, source: str, member: str) -> Decimal | None:
        """How sure a source's claim on an element is."""
        entity = await self.store.entity(type, id)
        assert entity is not None
        view = entity.ledger.view(source)
        unit = next((u for u in view.units if u.partition("[")[0] == member), "") if view else ""
        found = [c.confidence for c in claims_on(entity.ledger, unit) if c.source == source]
        return found[0] if found else None


@asynccontextmanager
async def opened(path: Path, ehr: Any, **settings: Any) -> AsyncIterator[Practice]:
    """A practice on a store of its own in ``path``."""
    store = make_store(path)
    await store.open()
    try:
        yield Practice(store, ehr, **settings)
    finally:
        await store.close()
