"""The open writebacks of one sink, kept up by reading the log: nothing is searched for while nothing changes."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from adapters.runner.crosswalk import WORLD
from adapters.runner.tasks import OPEN, focus_of, is_of, open_tasks
from adapters.runner.tries import Tries
from adapters.runner.writeback import Sink
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.ports.log import Commit
from fhirserver.ports.storage import Version
from fhirserver.search.cursor import decode
from fhirserver.search.expression import Query
from fhirserver.store.dead_letters import WRITEBACK
from fhirserver.store.store import Store

_PAGE = 500
_COMMITS = 200


@dataclass(slots=True)
class _Line:
    """The open Tasks about one resource, the first of which is at work; ``due`` is monotonic seconds."""

    tasks: dict[str, Tries] = field(default_factory=dict)
    due: float = 0.0
    running: bool = False


class Backlog:
    """Lines of open Tasks, one for each resource, and when each is due."""

    def __init__(self, store: Store, sink: Sink):
        self._store, self._sink = store, sink
        self._lines: dict[str, _Line] = {}
        self._focus: dict[str, str] = {}
        self._heap: list[tuple[float, int, str]] = []
        self._number = itertools.count()
        self.position = -1

    def __len__(self) -> int:
        return len(self._focus)

    async def follow(self, now: float) -> None:
        """Learn of all Tasks that were opened, closed or unblocked since the last time."""
        if self.position < 0:
            await self._load(now)
        while commits := await self._store.read_log(self.position, _COMMITS):
            self._unblock(commits, now)
            for id in _tasks_in(commits):
                self._learn(await self._store.read("Task", id), id, now)
            self.position = commits[-1].position

    async def _load(self, now: float) -> None:
        self.position = (await self._store.storage.head()).position
        query = Query("Task", open_tasks(self._sink.name), count=_PAGE)
        found: list[Version] = []
        while True:
            page = await self._store.search(query)
            found += page.versions
            if not page.cursor:
                break
            query = Query("Task", query.where, count=_PAGE, cursor=decode(page.cursor, ()))
        for version in sorted(found, key=lambda version: (not _begun(version), version.position)):
            self._learn(version, version.id, now)

    def _learn(self, version: Version | None, id: str, now: float) -> None:
        task: JsonObject = loads(version.content) if version and not version.deleted else {}
        if task.get("status") not in OPEN or not is_of(task, WRITEBACK, self._sink.name):
            self._forget(id, now)
            return
        focus = focus_of(task)
        line = self._lines.setdefault(focus, _Line())
        if id not in line.tasks:
            line.tasks[id] = Tries()
            self._focus[id] = focus
        elif line.running or task["status"] != "requested":
            return
        self._schedule(focus, now)

    def _forget(self, id: str, now: float) -> None:
        focus = self._focus.pop(id, "")
        line = self._lines.get(focus)
        if line is None:
            return
        line.tasks.pop(id, None)
        if line.tasks:
            self._schedule(focus, now)
        elif not line.running:
            del self._lines[focus]

    def _unblock(self, commits: Sequence[Commit], now: float) -> None:
        linked = set(_linked_in(commits, f"{self._sink.source}/"))
        for focus, line in self._lines.items() if linked else ():
            if any(tries.waits_for in linked for tries in line.tasks.values()):
                self._schedule(focus, now)

    def _schedule(self, focus: str, due: float) -> None:
        line = self._lines[focus]
        line.due = due
        if not line.running:
            heapq.heappush(self._heap, (due, next(self._number), focus))

    def next_due(self) -> float | None:
        """When the next line is due; None where none waits for its time."""
        while self._heap and not self._is_current(self._heap[0]):
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def _is_current(self, entry: tuple[float, int, str]) -> bool:
        line = self._lines.get(entry[2])
        return line is not None and bool(line.tasks) and not line.running and line.due == entry[0]

    def hurry(self, now: float) -> None:
        """Have every line that waits for its time be due now."""
        for focus, line in self._lines.items():
            if not line.running and line.due > now:
                self._schedule(focus, now)

    def take(self, now: float) -> tuple[str, str, Tries] | None:
        """Take the line that is due longest: the resource, its first Task and its tries."""
        due = self.next_due()
        if due is None or due > now:
            return None
        focus = heapq.heappop(self._heap)[2]
        line = self._lines[focus]
        line.running = True
        id = next(iter(line.tasks))
        return focus, id, line.tasks[id]

    def give_back(self, focus: str, due: float) -> None:
        """A line that was taken is due again then; it goes when its last Task is closed."""
        line = self._lines[focus]
        line.running = False
        if line.tasks:
            self._schedule(focus, due)
        else:
            del self._lines[focus]

    def close(self, focus: str, id: str) -> None:
        """The Task is settled."""
        self._focus.pop(id, None)
        if line := self._lines.get(focus):
            line.tasks.pop(id, None)


def _begun(version: Version) -> bool:
    return bool(loads(version.content)["status"] == "in-progress")


def _tasks_in(commits: Sequence[Commit]) -> dict[str, None]:
    return {
        event["id"]: None
        for commit in commits
        for event in commit.events
        if event["e"] != "noted" and event["type"] == "Task"
    }


def _linked_in(commits: Sequence[Commit], prefix: str) -> Iterator[str]:
    for commit in commits:
        for event in commit.events:
            if event["e"] == "noted" and event["kind"] == WORLD and event["key"].startswith(prefix):
                yield event["key"].removeprefix(prefix)
