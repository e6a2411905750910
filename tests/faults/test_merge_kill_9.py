"""A server killed while references follow a merge: the next one finishes, and nothing is half done for ever."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fhirserver.search.expression import Query
from fhirserver.store.commands import Merge, Unmerge, Write
from fhirserver.store.merges import MERGED
from fhirserver.store.relinking import AT_ONCE
from tests.contracts.merge_contract import (
    OPERATOR,
    followed,
    found,
    indexed,
    observation,
    patient,
    subject_is,
    submit,
)
from tests.contracts.places import SqlitePlace

pytestmark = pytest.mark.slow

MANY = 12 * AT_ONCE
FOLLOW = """
import asyncio, sys
from pathlib import Path
from tests.contracts.merge_contract import indexed, followed
from tests.contracts.places import SqlitePlace

async def main():
    async with indexed(SqlitePlace(Path(sys.argv[1]))) as store:
        base = store.head
        follow = asyncio.create_task(followed(store))
        while store.head < base + 3:
            await asyncio.sleep(0.001)
        print("under way", flush=True)
        await follow
        print("finished", flush=True)

asyncio.run(main())
"""


def kill_while_it_follows(path: Path) -> None:
    """Run the follower in a process of its own and kill that after three commits."""
    command = [sys.executable, "-c", FOLLOW, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "under way\n"
        os.kill(process.pid, signal.SIGKILL)
        assert "finished" not in process.stdout.read()


async def given(path: Path, *writes: Write) -> None:
    async with indexed(SqlitePlace(path)) as store:
        await submit(store, *writes, by=OPERATOR)


@pytest.mark.parametrize("undone", [False, True], ids=["merge", "unmerge"])
async def test_killed_while_references_follow(tmp_path: Path, undone: bool) -> None:
    path = tmp_path / "credence.db"
    many = [observation(f"o{number}", "d") for number in range(MANY)]
    await given(path, patient("s", "Ander"), patient("d", "Berg"), *many)
    await given(path, Merge("Patient", "d", "s"))
    if undone:
        async with indexed(SqlitePlace(path)) as store:
            await followed(store)
        await given(path, Unmerge("Patient", "d"))
    kill_while_it_follows(path)
    async with indexed(SqlitePlace(path)) as store:
        at = "d" if undone else "s"
        half = len(await found(store, "Observation", subject_is(at)))
        assert 0 < half < MANY
        assert (await store.facts(MERGED))[0].value["open"]
        await followed(store)
        assert len(await found(store, "Observation", subject_is(at))) == MANY
        assert not (await store.facts(MERGED))[0].value["open"]
        assert (
            await store.storage.count(Query("Observation", subject_is("s" if undone else "d"), count=0)) == 0
        )
        await store.derive_provenance()
        before = list(await store.storage.dump())
        await store.rebuild()
        assert list(await store.storage.dump()) == before
