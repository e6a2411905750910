"""Long searches step aside, with the same result; short ones do not."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fhirserver.storage.sqlite.aside import Aside
from fhirserver.storage.sqlite.index import SearchIndex

LONG = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400000) SELECT sum(i) FROM n"


@pytest.fixture
def aside(tmp_path: Path) -> Iterator[Aside]:
    def connect() -> sqlite3.Connection:
        return sqlite3.connect(tmp_path / "x.db", check_same_thread=False)

    connection = connect()
    made = Aside(connection, SearchIndex(connection), connect)
    yield made
    made.close()
    connection.close()


def _run(sql: str, seen: list[int]):
    def work(index: SearchIndex) -> int:
        seen.append(threading.get_ident())
        return int(index._connection.execute(sql).fetchone()[0])

    return work


async def test_short_work_stays_on_the_callers_thread(aside: Aside) -> None:
    seen: list[int] = []
    assert await aside.run(_run("SELECT 7", seen)) == 7
    assert seen == [threading.get_ident()]


async def test_long_work_is_done_aside_with_the_same_result(aside: Aside) -> None:
    seen: list[int] = []
    assert await aside.run(_run(LONG, seen)) == 400000 * 400001 // 2
    assert seen[0] == threading.get_ident()
    assert seen[1] != threading.get_ident()


async def test_after_long_work_short_work_is_quick_again(aside: Aside) -> None:
    await aside.run(_run(LONG, []))
    seen: list[int] = []
    assert await aside.run(_run("SELECT 1", seen)) == 1
    assert seen == [threading.get_ident()]


async def test_what_is_no_search_has_no_budget(aside: Aside) -> None:
    assert aside._index._connection.execute(LONG).fetchone()[0] == 400000 * 400001 // 2
    await aside.run(_run("SELECT 1", []))
    assert aside._index._connection.execute(LONG).fetchone()[0] == 400000 * 400001 // 2


async def test_another_error_is_raised(aside: Aside) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        await aside.run(_run("SELECT * FROM nowhere", []))
