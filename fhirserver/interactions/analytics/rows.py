"""The rows: one for each conversation, each patient of a campaign, each writeback. Flat JSON, so that any table takes
them. Nothing in them says who the patient was.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from fhirserver.kernel.instants import parse_instant
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.shelf import Shelf, Shelved

TALK, MEMBER, WRITEBACK, SAID = "talk", "member", "writeback", "said"
"""Kinds of rows. ``said`` tells by the position of a commit in which conversation it was said."""

_NEVER: Final = "9999-99-99"

COUNTS: Final = (
    "booked",
    "rescheduled",
    "cancelled",
    "confirmed",
    "captured",
    "verified",
    "doubtful",
    "approved",
    "rejected",
    "corrected",
)
"""What is counted for each conversation: what it did with appointments, statements it made of anything else, and
rulings on what it claimed."""
NUMBERS: Final = ("duration", "first_word", "reply_p95", "score", "valence", "trend")
"""What is measured of a conversation: seconds, seconds from its beginning to the agent's first word, seconds, 0 to 100,
mean valence -1 to 1, and how that changed from its first third to its last."""


class Dictionary:
    """A shelf in memory, for few rows."""

    def __init__(self) -> None:
        self._rows: dict[str, JsonObject] = {}

    def get(self, key: str) -> JsonObject | None:
        return self._rows.get(key)

    def put(self, rows: Mapping[str, JsonObject]) -> None:
        self._rows.update(rows)

    def days(self, kind: str, first: str, last: str) -> Iterator[Shelved]:
        found = (Shelved(*one) for one in self._rows.items() if one[0].startswith(f"{kind}/"))
        within = [one for one in found if first <= one.row.get("day", "") <= last]
        return iter(sorted(within, key=lambda one: (one.row.get("day", ""), one.key)))

    def all(self, after: str = "") -> Iterator[Shelved]:
        return iter([Shelved(key, self._rows[key]) for key in sorted(self._rows) if key > after])

    def close(self) -> None:
        """Nothing is to be closed."""


class Rows:
    """Rows by key (``talk/<id>``) on a shelf, and which have changed since :meth:`changes` was asked last."""

    def __init__(self, shelf: Shelf | None = None):
        self.shelf = shelf or Dictionary()
        self._changed: dict[str, JsonObject] = {}

    @property
    def kept(self) -> dict[str, JsonObject]:
        """All of them."""
        self.shelf.put(self._changed)
        return dict(self.shelf.all())

    def get(self, kind: str, id: str) -> JsonObject | None:
        key = f"{kind}/{id}"
        return self._changed.get(key) or self.shelf.get(key)

    def put(self, kind: str, id: str, **members: object) -> None:
        """Set members of a row, which is made where there is none."""
        row = self.get(kind, id) or {}
        if any(name not in row or row[name] != value for name, value in members.items()):
            stated = {name: _same(value) for name, value in members.items()}
            self._changed[f"{kind}/{id}"] = {**row, **stated}

    def count(self, kind: str, id: str, name: str, by: int = 1) -> None:
        """Add to a number of a row, where there is one."""
        row = self.get(kind, id)
        if row is not None:
            self.put(kind, id, **{name: int(row.get(name, 0)) + by})

    def of(self, kind: str, first: str = "", last: str = _NEVER) -> Iterator[tuple[str, JsonObject]]:
        """All of a kind from a day to another, one day after the other, by id."""
        self.shelf.put(self._changed)
        start = len(kind) + 1
        return ((one.key[start:], one.row) for one in self.shelf.days(kind, first, last))

    def changes(self) -> dict[str, JsonObject]:
        """The rows that have changed, in the order of their keys; from then on they have not."""
        changed = {key: self._changed[key] for key in sorted(self._changed)}
        self.shelf.put(changed)
        self._changed.clear()
        return changed

    def take(self, changed: Mapping[str, JsonObject]) -> None:
        """What :meth:`changes` gave elsewhere, also where it was JSON in between."""
        self.shelf.put(
            {key: {name: _same(value) for name, value in row.items()} for key, row in changed.items()}
        )


def _same(value: Any) -> Any:
    """A value as it is kept: texts that come again and again once, numbers as JSON gives them back."""
    if isinstance(value, str):
        return sys.intern(value)
    return float(value) if isinstance(value, Decimal) else value


def seconds(start: str, end: str) -> float | None:
    """Between two instants; None where one of them is none."""
    try:
        return round((parse_instant(end) - parse_instant(start)).total_seconds(), 3)
    except (ValueError, TypeError):
        return None
