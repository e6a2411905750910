"""What an older version indexed is said to be old until a rebuild."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from fhirserver.store.generation import index_is_current
from tests.contracts.history_contract import put
from tests.contracts.places import SqlitePlace, opened
from tests.server_process import credence


async def test_a_rebuild_makes_an_old_index_current(tmp_path: Path) -> None:
    place = SqlitePlace(tmp_path / "old.db")
    async with opened(place) as store:
        assert await index_is_current(store.storage)
        await store.submit(put("a"))
    _forget(tmp_path / "old.db")
    async with opened(place) as store:
        assert not await index_is_current(store.storage)
        await store.submit(put("b"))
        assert not await index_is_current(store.storage)
        await store.rebuild()
        assert await index_is_current(store.storage)


async def test_doctor_says_what_to_do(tmp_path: Path) -> None:
    config, data = tmp_path / "credence.toml", tmp_path / "data"
    given = ("--config", str(config), "--data", str(data))
    assert credence("init", "--config", str(config)).returncode == 0
    sound = credence("doctor", *given)
    assert (sound.returncode, "index: as this version makes it" in sound.stdout) == (0, True)
    async with opened(SqlitePlace(data / "credence.db")) as store:
        await store.submit(put("a"))
    _forget(data / "credence.db")
    old = credence("doctor", *given)
    assert (old.returncode, "run: credence rebuild" in old.stdout) == (1, True)


@pytest.mark.parametrize("old", [True, False])
async def test_the_server_warns_at_start(tmp_path: Path, old: bool, caplog: pytest.LogCaptureFixture) -> None:
    from tests.facade import facade

    async with facade(tmp_path, "sqlite"):
        pass
    if old:
        _forget(tmp_path / "credence.db")
    caplog.clear()
    async with facade(tmp_path, "sqlite"):
        assert ("credence rebuild" in caplog.text) is old


def _forget(path: Path) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("DELETE FROM fact WHERE kind = 'index'")
    connection.close()
