"""A vendor's records in memory. What was written is seen by reads only after a while, if the faults say so."""

from __future__ import annotations

import copy
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]


@dataclass(slots=True)
class _Held:
    """The states of one record with the monotonic time of each, the newest last; None: it is gone."""

    states: list[tuple[float, Row | None]] = field(default_factory=list)


class Table:
    """Records by id. ``delay`` says how many seconds ago a write must be to be seen."""

    def __init__(self, name: str, first: int, delay: Callable[[], float]):
        self.name = name
        self._numbers = itertools.count(first)
        self._delay = delay
        self._rows: dict[str, _Held] = {}

    def next_id(self) -> str:
        return str(next(self._numbers))

    def put(self, id: str, row: Row | None, at_once: bool = False) -> None:
        """A new state of a record. ``at_once``: it was there before."""
        held = self._rows.setdefault(id, _Held())
        held.states = [*held.states[-4:], (0.0 if at_once else time.monotonic(), copy.deepcopy(row))]

    def now(self, id: str) -> Row | None:
        """The record as it really is: what writes are decided on."""
        held = self._rows.get(id)
        return copy.deepcopy(held.states[-1][1]) if held else None

    def seen(self, id: str) -> Row | None:
        """The record as reads show it."""
        held = self._rows.get(id)
        until = time.monotonic() - self._delay()
        shown = [row for at, row in held.states if at <= until] if held else []
        return copy.deepcopy(shown[-1]) if shown else None

    def all_now(self) -> Iterator[tuple[str, Row]]:
        for id in list(self._rows):
            if (row := self.now(id)) is not None:
                yield id, row

    def all_seen(self) -> Iterator[tuple[str, Row]]:
        for id in list(self._rows):
            if (row := self.seen(id)) is not None:
                yield id, row


class Feed:
    """Ids of what changed, each handed out once unless asked for again. Times are seconds since 1970."""

    def __init__(self) -> None:
        self.subscribed = False
        self._entries: list[tuple[float, str, float | None]] = []

    def add(self, id: str) -> None:
        if self.subscribed:
            self._entries.append((time.time(), id, None))

    def take(self, limit: int, leave: bool = False) -> list[str]:
        """The ids that nobody took yet, which takes them."""
        found: dict[str, None] = {}
        now = time.time()
        for number, (at, id, taken) in enumerate(self._entries):
            if taken is None and (id in found or len(found) < limit):
                found[id] = None
                if not leave:
                    self._entries[number] = (at, id, now)
        return list(found)

    def taken(self, since: float, until: float) -> list[str]:
        """The ids that were taken between two instants."""
        return list(
            dict.fromkeys(id for _, id, at in self._entries if at is not None and since <= at <= until)
        )
