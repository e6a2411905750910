"""The review queue in memory: the pending items as the log leaves them, and who did what to them lately.

Filters and orders that no index of the storage knows (source, reason, patient's name) are over a few thousand
lines that this process keeps. It is loaded once by searches; after that the log says which Tasks to read again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from fhirserver.console.kinds import kind
from fhirserver.interactions.people import name_of
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.ports.log import Commit
from fhirserver.ports.storage import Version
from fhirserver.search.cursor import decode
from fhirserver.search.expression import And, Or, Query, SortKey, TokenIs
from fhirserver.store.store import Store
from fhirserver.world.review import PENDING, REVIEW, is_review, read_item, reason_codes
from fhirserver.world.vocabulary import TASK_CODE

_PAGE = 1000
_BATCH = 500
_FAR = 5000
"""So many commits behind, to search for what is pending is cheaper than to read the log."""
_REMEMBERED = 1000


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of the queue."""

    id: str
    kind: str
    type: str
    description: str
    priority: str
    held_by: str
    until: str
    """When the hold ends, an instant; empty: it does not."""
    due: str
    authored: str
    reasons: tuple[str, ...]
    sources: tuple[str, ...]
    lowest: Decimal | None
    patient: str
    """The reference to the patient."""
    focus: str
    """The reference to what it is about."""
    name: str = ""
    """The patient's name and birth date, once somebody asked for it."""

    def owner(self, now: str) -> str:
        """Who holds the item at an instant, or empty."""
        return "" if self.until and self.until <= now else self.held_by

    @property
    def about(self) -> str:
        """The element, without how many claims there are on it."""
        return self.description.partition(" - ")[0]

    @property
    def count(self) -> str:
        return self.description.partition(" - ")[2].removesuffix(" to review")


@dataclass(frozen=True, slots=True)
class Happened:
    """What became of an item: ``new``, ``held``, ``free``, ``changed`` or ``decided``, and by whom."""

    position: int
    id: str
    what: str
    by: str
    description: str


class ReviewQueue:
    """All pending items. Call :meth:`refresh` before looking at ``items``."""

    def __init__(self, store: Store):
        self._store = store
        self._lock = asyncio.Lock()
        self._names: dict[str, str] = {}
        self._happened: deque[Happened] = deque(maxlen=_REMEMBERED)
        self.position = -1
        """The commit up to which ``items`` are right; -1 before they were loaded."""
        self.items: dict[str, Listed] = {}

    async def refresh(self) -> None:
        """Bring the items up to the head of the log."""
        async with self._lock:
            if self.position < 0 or self._store.head - self.position > _FAR:
                await self._load()
            while commits := await self._store.read_log(self.position, _BATCH):
                await self._follow(commits)

    def since(self, position: int) -> list[Happened]:
        """What happened after a commit, the oldest first."""
        return [one for one in self._happened if one.position > position]

    async def named(self, items: Iterable[Listed]) -> list[Listed]:
        """The items with their patients' names."""
        return [replace(item, name=await self._name(item.patient)) for item in items]

    async def _name(self, reference: str) -> str:
        if reference and reference not in self._names:
            self._names[reference] = await name_of(self._store, reference)
        return self._names.get(reference, "")

    async def _load(self) -> None:
        """All that is pending, by search. What is committed meanwhile is read again from the log."""
        position = (await self._store.storage.head()).position
        items: dict[str, Listed] = {}
        sort = (SortKey("authored-on", "date"),)
        query = Query("Task", _PENDING, sort, _PAGE)
        while True:
            page = await self._store.search(query)
            items.update((version.id, line) for version in page.versions if (line := _line(version)))
            if not page.cursor:
                break
            query = replace(query, cursor=decode(page.cursor, sort))
        self.items, self.position = items, position
        self._names.clear()

    async def _follow(self, commits: Iterable[Commit]) -> None:
        for commit in commits:
            for event in commit.events:
                key = (event.get("type"), event.get("id", ""))
                if key[0] == "Patient":
                    self._names.pop(f"Patient/{key[1]}", None)
                elif key[0] == "Task" and (key[1] in self.items or _may_be_review(event)):
                    await self._look(key[1], commit)
            self.position = commit.position

    async def _look(self, id: str, commit: Commit) -> None:
        """Read a Task again and note what became of it."""
        version = await self._store.read("Task", id)
        line = _line(version) if version else None
        before = self.items.pop(id, None)
        if line is not None:
            self.items[id] = line
        what = _became(before, line)
        if what and (known := line or before):
            by = commit.statement.principal or commit.statement.source
            self._happened.append(Happened(commit.position, id, what, by, known.description))


def _may_be_review(event: JsonObject) -> bool:
    codings = event.get("content", {}).get("code", {}).get("coding", ())
    return event["e"] != "asserted" or any(coding.get("code") == REVIEW for coding in codings)


def _became(before: Listed | None, after: Listed | None) -> str:
    if after is None:
        return "decided" if before else ""
    if before is None:
        return "new"
    if before.held_by != after.held_by:
        return "held" if after.held_by else "free"
    return "changed" if before != after else ""


def _line(version: Version) -> Listed | None:
    """The line of a pending item; None for every other Task."""
    task: JsonObject = loads(version.content) if version.content else {}
    if task.get("status") not in PENDING or not is_review(task):
        return None
    try:
        item = read_item(task)
    except ValueError:
        return None
    sources, lowest = kind(item).says(task, item)
    return Listed(
        id=version.id,
        kind=item.kind,
        type=item.focus[0],
        description=task.get("description", ""),
        priority=task.get("priority", "routine"),
        held_by=item.owner,
        until=item.until,
        due=item.due,
        authored=task.get("authoredOn", ""),
        reasons=tuple(reason_codes(task)),
        sources=sources,
        lowest=lowest,
        patient=task.get("for", {}).get("reference", ""),
        focus="/".join(item.focus),
    )


_PENDING = And(
    (
        TokenIs("code", TASK_CODE, REVIEW),
        Or(tuple(TokenIs("status", None, status) for status in PENDING)),
    )
)
