"""The end of the log, decoded once for all who follow it in this process."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import islice

from fhirserver.ports.log import Commit
from fhirserver.ports.storage import Storage

MOST_EVENTS = 4_000
"""So many are kept at hand, however few commits that is: what they hold counts, not how often was written."""


class Tail:
    """Reads the log; what was just read by one follower is at hand for the next. Commits are never changed."""

    def __init__(self, storage: Storage):
        self._storage = storage
        self._kept: deque[Commit] = deque()
        self._events = 0

    async def read(self, after: int, limit: int) -> Sequence[Commit]:
        """Commits with position > ``after`` in order and without gaps, at most ``limit``."""
        known: tuple[Commit, ...] = ()
        if self._kept and self._kept[0].position - 1 <= after < self._kept[-1].position:
            start = after + 1 - self._kept[0].position
            known = tuple(islice(self._kept, start, start + limit))
            after, limit = known[-1].position, limit - len(known)
        if limit <= 0:
            return known
        commits = await self._storage.read_log(after, limit)
        self._keep(commits)
        return (*known, *commits)

    def _keep(self, commits: Sequence[Commit]) -> None:
        """Go on with what was read where it joins on, or begin anew where it lies beyond."""
        if not commits or (self._kept and commits[-1].position <= self._kept[-1].position):
            return
        if self._kept and commits[0].position != self._kept[-1].position + 1:
            self._kept.clear()
            self._events = 0
        self._kept.extend(commits)
        self._events += sum(len(one.events) for one in commits)
        while self._events > MOST_EVENTS and len(self._kept) > 1:
            self._events -= len(self._kept.popleft().events)
