"""Files from before the columns that histories need."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from fhirserver.ports.storage import HistoryQuery
from tests.contracts.history_contract import all_versions, some_history
from tests.contracts.places import SqlitePlace, opened


async def test_an_older_file_is_completed(tmp_path: Path) -> None:
    place = SqlitePlace(tmp_path / "old.db")
    async with opened(place) as store:
        await some_history(store)
        expected = await all_versions(store, HistoryQuery())
    connection = sqlite3.connect(tmp_path / "old.db")
    connection.executescript(
        "DROP INDEX version_history; DROP INDEX version_type_history;"
        "ALTER TABLE version DROP COLUMN type; ALTER TABLE version DROP COLUMN updated;"
    )
    connection.close()
    async with opened(place) as store:
        assert await all_versions(store, HistoryQuery()) == expected
        of_type = [version for version in expected if version.type == "Patient"]
        assert await all_versions(store, HistoryQuery("Patient", count=2)) == of_type
