"""The end of the log is decoded once, and read as the storage has it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, cast

from fhirserver.ports.log import Commit, Statement
from fhirserver.ports.storage import Storage
from fhirserver.store import tail
from fhirserver.store.tail import Tail


class _Log:
    """A log that counts what it is asked for."""

    def __init__(self) -> None:
        self.commits: list[Commit] = []
        self.decoded = 0

    def grow(self, count: int) -> None:
        for _ in range(count):
            position = len(self.commits) + 1
            events: tuple[Any, ...] = ({"e": "noted"},) * (position % 5 + 1)
            self.commits.append(Commit(position, str(position), "", 0, Statement("s"), events))

    async def read_log(self, after: int, limit: int) -> Sequence[Commit]:
        found = self.commits[after : after + limit]
        self.decoded += len(found)
        return found


async def test_many_readers_decode_the_log_once() -> None:
    log = _Log()
    shared, places = Tail(cast(Storage, log)), [0] * 9
    for _ in range(50):
        log.grow(7)
        for number, place in enumerate(places):
            places[number] += len(await shared.read(place, 200))
    assert places == [350] * 9 and log.decoded == 350


async def test_whoever_reads_where_gets_what_is_there(monkeypatch: Any) -> None:
    monkeypatch.setattr(tail, "MOST_EVENTS", 60)
    log, chance = _Log(), random.Random(5)
    shared = Tail(cast(Storage, log))
    for _ in range(3000):
        log.grow(chance.randrange(3))
        after, limit = chance.randrange(len(log.commits) + 2), chance.choice((1, 3, 50, 5000))
        assert list(await shared.read(after, limit)) == log.commits[after : after + limit]
