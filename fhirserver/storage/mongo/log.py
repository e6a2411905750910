"""The log: one document per batch, ``_id`` its first position.

Inserting ``_id = head + 1`` where it is absent is the commit. The chain cannot fork, overlap or have a gap:
a batch is only ever inserted behind the end of one that a majority holds, a document never changes, and the
place behind an end has one ``_id``. A second unique key on ``last`` says the same from the other side.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from pymongo import ASCENDING, DESCENDING
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import ConnectionFailure, DuplicateKeyError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from fhirserver.kernel.json import dumps, loads
from fhirserver.ports.log import Commit, LostRace
from fhirserver.storage.mongo.payloads import Document, Payloads

DURABLE = WriteConcern(w="majority", j=True)
COMMITTED = ReadConcern("majority")
"""What is read can never be rolled back: a batch appended behind it stands on firm ground."""

_END = {"last": 1, "serial": 1, "recorded": 1}


class End(NamedTuple):
    """Position, serial and recorded time of the last commit, and the position before its batch."""

    before: int = 0
    position: int = 0
    serial: int = 0
    recorded: str = ""


class Log:
    """The log of one tenant in the collection ``log``."""

    def __init__(self, database: AsyncDatabase[Document], payloads: Payloads):
        self._batches = database.get_collection("log", read_concern=COMMITTED, write_concern=DURABLE)
        self._payloads = payloads

    async def open(self) -> None:
        await self._batches.create_index([("last", ASCENDING)], unique=True)

    async def end(self) -> End:
        """The end of the log as a majority has it."""
        last = await self._batches.find_one({}, _END, sort=[("_id", DESCENDING)])
        return End(last["_id"] - 1, last["last"], last["serial"], last["recorded"]) if last else End()

    async def append(self, expected: int, commits: Sequence[Commit]) -> None:
        """Insert the batch behind ``expected``, which must be an end that was read. Raises LostRace."""
        batch = await self._document(commits)
        try:
            await self._batches.insert_one(batch)
        except DuplicateKeyError:
            if not await self._settle(batch):
                raise LostRace from None
        except ConnectionFailure:
            if not await self._settle(batch):
                raise

    async def _document(self, commits: Sequence[Commit]) -> Document:
        last = commits[-1]
        data = dumps([commit.as_json() for commit in commits])
        return {
            "_id": commits[0].position,
            "last": last.position,
            "serial": last.serial,
            "recorded": last.recorded,
            "commit": commits[0].id,
            "data": await self._payloads.store(f"log/{commits[0].id}", data),
        }

    async def _settle(self, batch: Document) -> bool:
        """After an insert without a clear answer: True when it is ours that stands there. Raises LostRace."""
        found = await self._batches.find_one({"_id": batch["_id"]}, {"commit": 1})
        if found is None:
            return False
        if found["commit"] == batch["commit"]:
            return True
        await self._payloads.drop(batch["data"])
        raise LostRace

    async def read(self, after: int, limit: int) -> list[Commit]:
        """At most ``limit`` commits behind ``after``. Stops where a batch is not (yet) to be seen."""
        commits: list[Commit] = []
        following = after + 1
        async with self._batches.find(
            {"last": {"$gt": after}}, sort=[("last", ASCENDING)], limit=limit
        ) as found:
            async for batch in found:
                if batch["_id"] > following:
                    break
                commits += [commit for commit in await self._commits(batch) if commit.position > after]
                following = batch["last"] + 1
                if len(commits) >= limit:
                    break
        return commits[:limit]

    async def _commits(self, batch: Document) -> list[Commit]:
        data: list[Any] = loads(await self._payloads.load(batch["data"]))
        return [Commit.from_json(commit) for commit in data]
