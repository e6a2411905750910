"""Writes are in the log before anybody can note them: what the trail lacks of them is made up from the log.

Most commits are noted by who asked for them, with all that is known of him. Those that nobody noted (of connectors,
of the server's own followers, and of requests whose process was killed) get an entry of what the log says: who, when,
what.
Every batch says up to where the log is accounted for, so that nothing is looked for twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import suppress

from fhirserver.access.audit.chain import commits_of
from fhirserver.access.audit.event import START, Event, now_microseconds
from fhirserver.access.audit.recorder import Recorder
from fhirserver.kernel.instants import microseconds
from fhirserver.ports.log import Commit
from fhirserver.store.store import Store

GRACE = 10_000_000
"""Microseconds that those who asked for a commit have to note it."""
SECONDS = 2.0
"""Between two looks at the log."""
_CLOCKS = 60_000_000
"""By how much the clocks of several machines may differ, in microseconds."""
_AT_ONCE = 200

FROM_LOG = {"noted": "from the log"}

log = logging.getLogger("credence.audit")


class Accounting:
    """Follows log and trail, in one process of those that serve a tenant."""

    def __init__(self, store: Store, recorder: Recorder, alone: bool = False):
        """``alone``: no other process serves the tenant."""
        self._alone = alone
        self._store, self._recorder = store, recorder
        self._position = self._batch = -1
        self._noted: set[int] = set()

    async def begin(self) -> None:
        """Find where the last process left off. A trail that begins now accounts for nothing that was before."""
        last = await self._store.storage.trail.last()
        head = (await self._store.storage.head()).position
        self._position = last.accounted if last is not None else head
        self._recorder.accounted = self._position
        self._batch = await self._first_batch(last.number if last is not None else 0)
        self._recorder.note(Event(START, details={"accounted": str(self._position)}))
        if self._alone:  # whoever asked for these commits is gone, and nobody else can note them
            while await self.step(now_microseconds()):
                pass

    async def _first_batch(self, last: int) -> int:
        """The batch behind which entries of commits that are not accounted for may be."""
        following = await self._store.read_log(self._position, 1)
        if not following:
            return last
        since = microseconds(following[0].recorded) - _CLOCKS
        numbers = await self._store.storage.trail.between(since, 2**62)
        return numbers[0] - 1 if numbers else last

    async def run(self) -> None:
        """Account for what is committed, for as long as the server runs."""
        while True:
            await asyncio.sleep(SECONDS)
            try:
                while await self.step(now_microseconds() - GRACE):
                    pass
            except Exception as error:  # the storage may be back the next time; nothing is skipped
                log.warning("accounting for commits failed: %s; it is tried again", type(error).__name__)

    async def step(self, before: int) -> bool:
        """Note what nobody noted of the commits made before a time; True where there may be more."""
        await self._read_trail()
        commits = [
            commit
            for commit in await self._store.read_log(self._position, _AT_ONCE)
            if microseconds(commit.recorded) < before
        ]
        if not commits:
            return False
        missing = False
        for event in unnoted(commits, self._noted):
            self._recorder.note(event)
            missing = True
        if missing:
            await self._recorder.flush()
        self._position = self._recorder.accounted = commits[-1].position
        self._noted = {position for position in self._noted if position > self._position}
        return len(commits) == _AT_ONCE

    async def _read_trail(self) -> None:
        while batches := await self._store.storage.trail.read(self._batch, 10):
            for batch in batches:
                with suppress(ValueError):  # it is damaged, as credence audit verify says
                    self._noted |= {one for one in commits_of(batch) if one > self._position}
                self._batch = batch.number


def unnoted(commits: Sequence[Commit], noted: set[int]) -> Iterator[Event]:
    """An event for each commit that touched resources and is not among the positions ``noted``."""
    for commit in commits:
        if commit.position not in noted:
            event = event_of_commit(commit)
            if event is not None:
                yield event


def event_of_commit(commit: Commit) -> Event | None:
    """What the log says of a commit; None where it touched no resource."""
    events = [event for event in commit.events if event["e"] != "noted"]
    touched = dict.fromkeys((event["type"], event["id"], event["version"]) for event in events)
    if not touched:
        return None
    one = next(iter(touched)) if len(touched) == 1 else ("", "", "")
    return Event(
        _code(events, len(touched)),
        microseconds(commit.recorded),
        type=one[0],
        id=one[1],
        version=str(one[2]),
        shown=() if one[0] else tuple(touched),
        principal=commit.statement.principal,
        source=commit.statement.source,
        client=commit.statement.client,
        grant=commit.statement.grant,
        commits=(commit.position,),
        details=FROM_LOG,
    )


def _code(events: Sequence[dict[str, object]], resources: int) -> str:
    if resources > 1:
        return "transaction"
    if events[-1]["e"] == "removed":
        return "delete"
    return "create" if events[0]["version"] == 1 and events[0]["e"] == "asserted" else "update"
