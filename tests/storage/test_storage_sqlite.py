from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from fhirserver.ports.log import Statement
from fhirserver.storage.sqlite.turns import Turns
from fhirserver.store.commands import Command, Put
from fhirserver.store.store import Store
from tests.contracts.places import Place, SharedSqlitePlace, SqlitePlace, opened
from tests.contracts.processes_contract import SharedStorageContract


class TestSqlite(SharedStorageContract):
    @pytest.fixture
    def place(self, tmp_path: Path) -> Place:
        return SqlitePlace(tmp_path / "tenant.db")


class TestSharedSqlite(SharedStorageContract):
    @pytest.fixture
    def place(self, tmp_path: Path) -> Place:
        return SharedSqlitePlace(tmp_path / "tenant.db")


def test_who_had_the_turn_cannot_overtake_who_waits(tmp_path: Path) -> None:
    mine, other = Turns(tmp_path / "db"), Turns(tmp_path / "db")
    assert mine.take_at_once()
    assert not other.take_at_once()

    async def play() -> None:
        waiting = asyncio.create_task(asyncio.to_thread(other.take))
        await asyncio.sleep(0.1)
        mine.leave()
        await waiting
        assert other.held
        assert not mine.take_at_once()

    asyncio.run(play())
    other.leave()
    assert mine.take_at_once()
    mine.close(), other.close()


async def test_a_command_waits_for_its_turn_and_is_decided_on_what_the_other_wrote(tmp_path: Path) -> None:
    place, turns = SharedSqlitePlace(tmp_path / "tenant.db"), Turns(tmp_path / "tenant.db")
    async with opened(place) as one, opened(place) as two:
        await one.submit(_put("first"))
        assert turns.take_at_once()
        waiting = asyncio.create_task(two.submit(_put("second")))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        turns.leave()
        assert (await waiting).position == 2
    turns.close()


async def test_a_refused_command_leaves_the_turn(tmp_path: Path) -> None:
    place, turns = SharedSqlitePlace(tmp_path / "tenant.db"), Turns(tmp_path / "tenant.db")
    async with opened(place) as store:
        same = await asyncio.gather(store.submit(_put("a")), store.submit(_put("a")))
        assert same[0].position == same[1].position == 1
        assert turns.take_at_once()
    turns.close()


async def test_another_process_s_commit_is_soon_noticed(tmp_path: Path) -> None:
    place = SharedSqlitePlace(tmp_path / "tenant.db")
    async with opened(place) as one, opened(place) as two:
        waiting = asyncio.create_task(_time_to_see(one))
        await asyncio.sleep(0.05)
        await two.submit(_put("a"))
        assert await waiting < 5


async def _time_to_see(store: Store) -> float:
    started = time.monotonic()
    assert await store.wait_beyond(0, 30)
    return time.monotonic() - started


def _put(id: str) -> Command:
    return Command(Statement("ehr"), [Put("Patient", id, {"resourceType": "Patient", "id": id})])
