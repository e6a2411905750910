from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest

from fhirserver.kernel.json import dumps
from fhirserver.kernel.outcomes import Refusal
from fhirserver.ports.storage import Page
from fhirserver.search.expression import Query
from fhirserver.search.index import extract
from fhirserver.search.settling import settling
from fhirserver.search.values import IndexValue
from fhirserver.storage.sqlite import index as search_index
from fhirserver.storage.sqlite import index_plan, index_words, names
from fhirserver.storage.sqlite.index import SearchIndex
from fhirserver.storage.sqlite.names import Names
from fhirserver.storage.sqlite.storage import SCHEMA
from tests.contracts.search_contract import Index, Loaded, SearchContract, query

_PUT = """
INSERT OR REPLACE INTO resource
    (pk, type, id, version, position, recorded, updated, deleted, content, ledger)
VALUES (?, ?, ?, 1, 1, '', ?, 0, ?, x'')
"""


class Sqlite:
    """The index tables and the table ``resource``, written as the storage writes them."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        self.connection.executescript(SCHEMA + names.SCHEMA + search_index.SCHEMA)
        index_words.create(self.connection)
        self.index = SearchIndex(self.connection)
        self.names = Names(self.connection)
        self.values: dict[int, list[IndexValue]] = {}

    async def put(self, pk: int, resource: dict[str, Any], updated: int) -> None:
        number = self.names.number(resource["resourceType"])
        self.connection.execute(_PUT, (pk, number, resource["id"], updated, dumps(resource)))
        new = extract(resource)
        self.index.update(pk, resource["resourceType"], self.values.get(pk, []), new)
        self.values[pk] = new

    async def delete(self, pk: int, type: str, id: str) -> None:
        self.connection.execute("UPDATE resource SET deleted = 1, content = x'' WHERE pk = ?", (pk,))
        self.index.update(pk, type, self.values.pop(pk), [])

    async def search(self, query: Query) -> tuple[list[str], str]:
        while index_words.read_some(self.connection, 50):
            pass
        page = await settling(query, self._codes, self._page)
        return [version.id for version in page.versions], page.cursor

    async def _codes(self, type: str, param: str) -> list[str]:
        return self.index.codes_in_use(type, param)

    async def _page(self, query: Query) -> Page:
        return self.index.search(query)

    async def _count(self, query: Query) -> int:
        return self.index.count(query)

    async def count(self, query: Query) -> int:
        while index_words.read_some(self.connection, 50):
            pass
        return await settling(query, self._codes, self._count)


@pytest.fixture
def sqlite() -> Iterator[Sqlite]:
    made = Sqlite()
    yield made
    made.connection.close()


class TestSqliteSearch(SearchContract):
    @pytest.fixture
    def index(self, sqlite: Sqlite) -> Index:
        return sqlite


class TestSqliteSearchWithoutNarrowSources(TestSqliteSearch):
    """Every search as it is answered when there are very many resources: walking, not gathering."""

    @pytest.fixture
    def index(self, sqlite: Sqlite, monkeypatch: pytest.MonkeyPatch) -> Index:
        monkeypatch.setattr(index_plan, "MANY", 1)
        return sqlite


async def test_deleting_everything_leaves_no_index_row(sqlite: Sqlite) -> None:
    loaded = await Loaded(sqlite).fill()
    assert list(sqlite.index.dump())
    for pk, id in list(loaded.oracle.ids.items()):
        number = sqlite.connection.execute("SELECT type FROM resource WHERE pk = ?", (pk,)).fetchone()[0]
        await loaded.delete(pk, sqlite.names.name(number), id)
    assert list(sqlite.index.dump()) == []


async def test_the_dump_does_not_depend_on_the_order_of_writing(sqlite: Sqlite) -> None:
    other = Sqlite()
    first = await Loaded(sqlite).fill()
    numbers = {(e.type, e.id): pk for t in ("Patient", "Observation") for pk, e in _entries(first, t)}
    for key in sorted(numbers, reverse=True):
        entry = first.oracle.memory.entry(*key)
        assert entry is not None
        other.index.update(numbers[key], key[0], [], entry.values)
    expected = [row for row in sqlite.index.dump() if b"Patient?" in row or b"Observation?" in row]
    assert list(other.index.dump()) == expected
    other.connection.close()


def _entries(loaded: Loaded, type: str) -> list[tuple[int, Any]]:
    return list(loaded.oracle.memory._entries[type].items())


@pytest.mark.parametrize(
    "text",
    [
        "Patient?family=muller",
        "Patient?identifier=http://mrn|m3",
        "Observation?patient=Patient/p1",
        "Observation?patient=Patient/p1&code=8302-2&_sort=-date",
        "Observation?code=8302-2",
        "Observation?subject:Patient.name=eve",
        "Observation?_sort=-date",
    ],
)
async def test_no_search_reads_a_table_from_end_to_end(sqlite: Sqlite, text: str) -> None:
    await Loaded(sqlite).fill()
    statements: list[str] = []
    sqlite.connection.set_trace_callback(statements.append)
    sqlite.index.search(query(text))
    sqlite.connection.set_trace_callback(None)
    for statement in statements:
        steps = [row[3] for row in sqlite.connection.execute(f"EXPLAIN QUERY PLAN {statement}")]
        scans = [
            s for s in steps if s.startswith("SCAN") and not s.startswith(("SCAN p", "SCAN m", "SCAN ("))
        ]
        assert not scans, (statement, steps)


async def test_very_many_alternatives_are_answered(sqlite: Sqlite) -> None:
    loaded = await Loaded(sqlite).fill()
    ids = ",".join(f"p{n}" for n in range(5000))
    for text in (f"Patient?_id={ids}", f"Observation?patient={ids}", f"Patient?identifier={ids}"):
        assert len(await loaded.check(query(text))) == (
            0 if "identifier" in text else len(await _all(loaded, text))
        )
    names = ",".join(f"name{n}" for n in range(200))
    assert await loaded.check(query(f"Patient?name={names},eve"))


async def _all(loaded: Loaded, text: str) -> list[str]:
    return loaded.oracle.search(query(text))


async def test_a_search_that_is_too_large_is_refused_not_a_fault(sqlite: Sqlite) -> None:
    await Loaded(sqlite).fill()
    for text in (
        "Patient?" + "&".join(f"name=n{n}" for n in range(1000)),
        "Patient?name=" + ",".join(f"n{n}" for n in range(20000)),
    ):
        with pytest.raises(Refusal) as caught:
            await sqlite.search(query(text))
        assert caught.value.issues[0].code == "too-costly"


async def test_a_plan_is_told_without_values(sqlite: Sqlite) -> None:
    await sqlite.put(1, {"resourceType": "Patient", "id": "p", "name": [{"family": "Secret"}]}, 1)
    lines = sqlite.index.explain(query("Patient?family=secret&gender=male&_sort=-birthdate"))
    assert any("search_string" in line for line in lines)
    assert any(line.startswith("  SEARCH") for line in lines)
    assert "secret" not in "".join(lines).lower()
    assert (await sqlite.search(query("Patient?family=secret")))[0] == ["p"]
