"""The messages that were answered when they were stored, taken in afterwards in the order of the log.

One process of all that share a store does this for a listener: who holds the connector's lease. Those of one patient
keep their order, whichever process stored them, since the log has one. After a crash some are looked at again; what
was taken in, or has failed, is not waiting any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

from adapters.hl7v2.intake.reception import Reception
from adapters.hl7v2.intake.record import WAITING, Stored, stored
from fhirserver.ports.log import Commit, Statement
from fhirserver.store.commands import Command, Note, Write
from fhirserver.store.followers import CHECKPOINT, follow
from fhirserver.store.store import Store


class Backlog:
    """Takes in what waits for a listener, as a :class:`fhirserver.store.followers.Follower` of the log.

    ``stores``: whether more of it may come.
    """

    def __init__(self, store: Store, listener: str, source: str, reception: Reception, stores: bool = True):
        self._store, self._listener, self._source = store, listener, source
        self._reception, self._stores = reception, stores
        self.name = f"hl7v2:{listener}"

    async def run(self) -> None:
        """Take in what waits, for ever."""
        if await self.begin():
            await follow(self._store, self, self._source)
        await (
            asyncio.Event().wait()
        )  # messages are answered when they are taken in: none waits, and none will

    async def begin(self) -> bool:
        """Whether there is anything to follow. The first time it begins before the first message that may wait."""
        if await self._store.fact(CHECKPOINT, self.name) is not None:
            return True
        head = self._store.head
        facts = await self._store.facts(WAITING, f"{self._listener}/")
        waiting = [fact.position - 1 for fact in facts if fact.value["waiting"]]
        if not self._stores and not waiting:
            return False
        says = Statement(self._source, principal=self._listener, method="hl7v2")
        note = Note(CHECKPOINT, self.name, {"position": min([head, *waiting])})
        await self._store.submit(Command(says, (note,)))
        return True

    async def effects(self, commits: Sequence[Commit]) -> Sequence[Write]:
        """Take in what waits of the commits; each message is a commit of its own, so nothing is left to write."""
        await asyncio.gather(*[self._reception.take_up(one) for one in self._waiting(commits)])
        return ()

    def _waiting(self, commits: Sequence[Commit]) -> Iterator[Stored]:
        for commit in commits:
            for event in commit.events:
                if event["e"] == "noted" and event["kind"] == WAITING and event["value"]["waiting"]:
                    one = stored(event["key"], event["value"])
                    if one.listener == self._listener:
                        yield one
