"""The first search for words after an import reads all that is unread; nobody else waits for it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from fhirserver.search.expression import Query, WordIs
from fhirserver.storage.sqlite.storage import SqliteStorage
from fhirserver.store.commands import Command, Put
from fhirserver.store.store import Store
from tests.contracts.places import EHR, POLICIES, extract

MANY = 2500


def _command(first: int, count: int) -> Command:
    text = " ".join(f"word{n}" for n in range(40))
    names = range(first, first + count)
    return Command(
        EHR,
        [
            Put("Basic", f"b{n}", {"resourceType": "Basic", "id": f"b{n}", "note": f"{text} {n}"})
            for n in names
        ],
    )


async def test_others_are_answered_while_the_words_are_read(tmp_path: Path) -> None:
    store = Store(SqliteStorage(tmp_path / "words.db"), POLICIES, extract)
    await store.open()
    try:
        for first in range(0, MANY, 500):
            await store.submit(_command(first, 500))
        searching = asyncio.create_task(store.count(Query("Basic", WordIs("_content", "word7"))))
        written = 0
        while not searching.done():
            await store.submit(_command(MANY + written, 1))
            assert await store.read("Basic", "b1")
            written += 1
            await asyncio.sleep(0)
        assert await searching >= MANY
        assert written > 5, "writes waited for the words"
    finally:
        await store.close()
