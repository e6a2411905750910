"""Entity resolution of what arrived unlinked: records that others refer to and that were never handed out themselves.

A reference to a record that is not known yet leads to the resource that the record will be. Mostly it comes with a
later page. Where it does not (its type is not pulled, its page was lost), it is read by itself, now and then.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence

from adapters.runner.crosswalk import RECORD, WORLD
from adapters.runner.inbound import Inbound
from fhirserver.ports.ehr import Ehr, EhrError, Retryable
from fhirserver.ports.log import Commit
from fhirserver.store.store import Store

log = logging.getLogger("credence.runner")

_COMMITS = 200
AGAIN_SECONDS = 86_400.0
"""How long a record that the EHR does not give is not asked for again."""
MOST = 200
"""Records read at a time."""


class Resolution:
    """One source's strangers. Which there are is known from the log."""

    def __init__(self, store: Store, ehr: Ehr, inbound: Inbound):
        self._store, self._ehr, self._inbound = store, ehr, inbound
        self._prefix = f"{inbound.source}/"
        self._strangers: dict[str, float] = {}
        self._position = -1

    def __len__(self) -> int:
        return len(self._strangers)

    async def resolve(self) -> int:
        """Read what is still unknown. Returns how many records were taken in."""
        await self._follow()
        taken, now = 0, time.monotonic()
        for reference in [one for one, due in self._strangers.items() if due <= now][:MOST]:
            type, _, id = reference.partition("/")
            if await self._inbound.crosswalk.by_record(type, id) is None:
                taken += await self._read(type, id, now)
            else:
                del self._strangers[reference]
        return taken

    async def _read(self, type: str, id: str, now: float) -> bool:
        reference = f"{type}/{id}"
        self._strangers[reference] = now + AGAIN_SECONDS
        try:
            record = await self._ehr.read(type, id)
        except Retryable:
            self._strangers[reference] = now
            raise
        except EhrError as error:
            name = error.__class__.__name__
            log.info("%s: a %s that is referred to cannot be read: %s", self._inbound.connector, type, name)
            return False
        await self._inbound.take(record)
        self._strangers.pop(reference, None)
        return True

    async def _follow(self) -> None:
        if self._position < 0:
            self._position = (await self._store.storage.head()).position
            known = {fact.key for fact in await self._store.facts(RECORD, self._prefix)}
            for fact in await self._store.facts(WORLD, self._prefix):
                type = fact.key.removeprefix(self._prefix).partition("/")[0]
                reference = f"{type}/{fact.value['record']}"
                if not fact.value["position"] and self._prefix + reference not in known:
                    self._strangers[reference] = 0.0
        while commits := await self._store.read_log(self._position, _COMMITS):
            self._strangers.update(dict.fromkeys(self._referred_to(commits), 0.0))
            self._position = commits[-1].position

    def _referred_to(self, commits: Sequence[Commit]) -> Iterator[str]:
        for commit in commits:
            for event in commit.events:
                if event["e"] != "noted" or event["kind"] != WORLD or event["value"]["position"]:
                    continue
                if event["key"].startswith(self._prefix):
                    type = event["key"].removeprefix(self._prefix).partition("/")[0]
                    yield f"{type}/{event['value']['record']}"
