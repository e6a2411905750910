"""Where a tenant lies, so that tests and child processes can open it again and again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

from fhirserver.kernel.instants import Clock
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.log import Statement
from fhirserver.ports.storage import Storage
from fhirserver.search.literals import date_range
from fhirserver.search.values import DateValue, IndexValue, ReferenceValue, StringValue, TokenValue, fold
from fhirserver.storage.memory.storage import MemoryStorage
from fhirserver.storage.mongo.storage import MongoStorage
from fhirserver.storage.sqlite.shared import SharedSqliteStorage
from fhirserver.storage.sqlite.storage import SqliteStorage
from fhirserver.store.state import Policies
from fhirserver.store.store import Store
from fhirserver.world.sources import Source

EHR = Statement("ehr")
AGENT = Statement("agent", confidence=Decimal("0.5"))
POLICIES = Policies(
    {
        "ehr": Source("ehr", "ehr", authoritative=True),
        "agent": Source("agent", "agent", base=Decimal("0.3"), maximum=Decimal("0.5")),
        "operator": Source("operator", "operator"),
    },
    lambda resource: (),
)


class Place(Protocol):
    """One tenant. Every call of ``storage`` gives another way to the same data."""

    def storage(self) -> Storage: ...

    @property
    def text(self) -> str:
        """What :func:`place` makes the place of again, in another process; empty where there is none."""
        ...


class MemoryPlace:
    """One object is all there is: the ways to the data are the same object."""

    text = ""

    def __init__(self) -> None:
        self._storage = MemoryStorage()

    def storage(self) -> Storage:
        return self._storage


class SqlitePlace:
    def __init__(self, path: Path):
        self._path = path

    @property
    def text(self) -> str:
        return f"sqlite {self._path}"

    def storage(self) -> Storage:
        return SqliteStorage(self._path)


class SharedSqlitePlace(SqlitePlace):
    @property
    def text(self) -> str:
        return f"shared {self._path}"

    def storage(self) -> Storage:
        return SharedSqliteStorage(self._path)


class MongoPlace:
    def __init__(self, url: str, database: str):
        self.url, self.database = url, database

    @property
    def text(self) -> str:
        return f"mongo {self.url} {self.database}"

    def storage(self) -> Storage:
        return MongoStorage(self.url, self.database)


def place(text: str) -> Place:
    kind, *where = text.split(" ")
    if kind == "mongo":
        return MongoPlace(*where)
    return SharedSqlitePlace(Path(where[0])) if kind == "shared" else SqlitePlace(Path(where[0]))


def extract(resource: JsonObject) -> Sequence[IndexValue]:
    """A few values of each array kind: the contract of a storage is not that of extraction."""
    values: list[IndexValue] = []
    for name in resource.get("name", ()):
        values.append(StringValue("family", fold(name["family"]), name["family"]))
    for identifier in resource.get("identifier", ()):
        values.append(TokenValue("identifier", identifier.get("system", ""), identifier["value"]))
    if "birthDate" in resource:
        values.append(DateValue("birthdate", *date_range(resource["birthDate"])))
    if "subject" in resource:
        type_name, _, id = resource["subject"]["reference"].partition("/")
        values.append(ReferenceValue("subject", type_name, id))
    return values


@asynccontextmanager
async def opened(place: Place, storage: Any = None, clock: Clock | None = None) -> AsyncIterator[Store]:
    """A store on the place, closed at the end."""
    store = Store(storage or place.storage(), POLICIES, extract, clock)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def connected(place: Place) -> AsyncIterator[Storage]:
    """A bare storage on the place, closed at the end."""
    storage = place.storage()
    await storage.open()
    try:
        yield storage
    finally:
        await storage.close()
