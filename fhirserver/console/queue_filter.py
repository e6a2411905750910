"""Which items of the queue a reviewer wants to see, in what order, and which page of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from typing import Any, NamedTuple
from urllib.parse import urlencode

from fhirserver.console.queue import Listed, ReviewQueue
from fhirserver.search.values import fold
from fhirserver.world.urgency import PRIORITIES

PAGE = 50
MINE, FREE = "mine", "free"


class Reviewer(NamedTuple):
    """Who looks at the queue, and when: holds end by themselves."""

    name: str
    now: str


@dataclass(frozen=True, slots=True)
class Filter:
    """What is asked for; an empty member asks for nothing. ``who``: ``mine``, ``free`` or a reviewer."""

    type: str = ""
    reason: str = ""
    priority: str = ""
    source: str = ""
    who: str = ""
    text: str = ""
    sort: str = "priority"
    page: int = 1

    @staticmethod
    def of(params: Mapping[str, str]) -> Filter:
        """The filter of a query; what it does not know is passed over."""
        given: dict[str, Any] = {
            one.name: params[one.name].strip() for one in fields(Filter) if params.get(one.name)
        }
        page = str(given.pop("page", "1"))
        if given.get("sort") not in ORDERS:
            given.pop("sort", None)
        return Filter(**given, page=max(1, int(page)) if page.isdecimal() and len(page) < 7 else 1)

    def query(self, **changes: Any) -> str:
        """The query string of this filter, with changes; without ``?``, and empty for the default."""
        asked = replace(self, **changes)
        default = Filter()
        given = {one.name: getattr(asked, one.name) for one in fields(asked)}
        return urlencode({n: value for n, value in given.items() if value != getattr(default, n)})

    @property
    def narrows(self) -> bool:
        return replace(self, sort="priority", page=1) != Filter()

    def admits(self, item: Listed, reviewer: Reviewer) -> bool:
        """Whether an item, with its patient's name, is asked for by a reviewer."""
        return (
            self.type in ("", item.type)
            and (not self.reason or self.reason in item.reasons)
            and self.priority in ("", item.priority)
            and (not self.source or self.source in item.sources)
            and self._who(item.owner(reviewer.now), reviewer.name)
            and self._names(item)
        )

    def _who(self, owner: str, reviewer: str) -> bool:
        if not self.who:
            return True
        return owner == {MINE: reviewer, FREE: ""}.get(self.who, self.who)

    def _names(self, item: Listed) -> bool:
        """Whether each word begins a word of what the line says of the patient."""
        if not self.text:
            return True
        known = _words(f"{item.name} {item.patient}")
        return all(any(one.startswith(word) for one in known) for word in _words(self.text))


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", fold(text))


ORDERS: Mapping[str, tuple[str, Callable[[Listed], Any]]] = {
    "priority": ("urgent first", lambda item: (_urgency(item), item.authored)),
    "oldest": ("oldest first", lambda item: item.authored),
    "newest": ("newest first", lambda item: tuple(-ord(c) for c in item.authored)),
    "confidence": ("least sure first", lambda item: (item.lowest is None, item.lowest or Decimal(0))),
    "patient": ("by patient", lambda item: (item.name, item.authored)),
    "type": ("by type", lambda item: (item.type, item.authored)),
}
"""Orders by name: what they are called, and what is compared."""


def _urgency(item: Listed) -> int:
    """The most urgent is the least."""
    return -PRIORITIES.index(item.priority) if item.priority in PRIORITIES else 1


@dataclass(frozen=True, slots=True)
class Choices:
    """What the pending items have, to choose from."""

    types: Sequence[str]
    reasons: Sequence[str]
    priorities: Sequence[str]
    sources: Sequence[str]
    owners: Sequence[str]


@dataclass(frozen=True, slots=True)
class Selected:
    """One page of what a filter admits."""

    filter: Filter
    items: Sequence[Listed]
    total: int
    waiting: int
    choices: Choices

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PAGE))

    @property
    def first(self) -> int:
        return (self.filter.page - 1) * PAGE + 1


async def in_order(queue: ReviewQueue, filter: Filter, reviewer: Reviewer) -> list[Listed]:
    """All items that a filter admits. The queue is to be refreshed before."""
    items = list(queue.items.values())
    if filter.text or filter.sort == "patient":
        items = await queue.named(items)
    admitted = [item for item in items if filter.admits(item, reviewer)]
    key = ORDERS[filter.sort][1]
    return sorted(admitted, key=lambda item: (key(item), item.id))


async def selected(queue: ReviewQueue, filter: Filter, reviewer: Reviewer) -> Selected:
    """The page that a reviewer asks for; the last one where there are fewer."""
    found = await in_order(queue, filter, reviewer)
    last = max(1, -(-len(found) // PAGE))
    shown = replace(filter, page=min(filter.page, last))
    start = (shown.page - 1) * PAGE
    page = await queue.named(found[start : start + PAGE])
    return Selected(
        shown, page, len(found), len(queue.items), _choices(list(queue.items.values()), reviewer.now)
    )


async def following(queue: ReviewQueue, filter: Filter, reviewer: Reviewer, id: str) -> str:
    """The item to work on after ``id``: the next one that nobody else holds, from the start again at the end."""
    found = await in_order(queue, filter, reviewer)
    at = next((i for i, item in enumerate(found) if item.id == id), -1)
    free = [
        item.id
        for item in (*found[at + 1 :], *found[: max(at, 0)])
        if item.owner(reviewer.now) in ("", reviewer.name)
    ]
    return free[0] if free else ""


def _choices(lines: Sequence[Listed], now: str) -> Choices:
    return Choices(
        types=sorted({item.type for item in lines}),
        reasons=sorted({reason for item in lines for reason in item.reasons}),
        priorities=sorted({item.priority for item in lines}, key=PRIORITIES.index, reverse=True),
        sources=sorted({source for item in lines for source in item.sources}),
        owners=sorted({item.owner(now) for item in lines} - {""}),
    )
