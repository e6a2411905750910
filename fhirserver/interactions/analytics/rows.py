"""The rows: one for each conversation, each patient of a campaign, each writeback. Flat JSON, so that any table takes
them. Nothing in them says who the patient was.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from fhirserver.kernel.instants import parse_instant
from fhirserver.kernel.json import JsonObject

TALK, MEMBER, WRITEBACK, SAID = "talk", "member", "writeback", "said"
"""Kinds of rows. ``said`` tells by the position of a commit in which conversation it was said."""

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


@dataclass
class Rows:
    """Rows by key (``talk/<id>``), and which have changed since :meth:`changes` was asked last."""

    kept: dict[str, JsonObject] = field(default_factory=dict)
    _changed: set[str] = field(default_factory=set)

    def get(self, kind: str, id: str) -> JsonObject | None:
        return self.kept.get(f"{kind}/{id}")

    def put(self, kind: str, id: str, **members: object) -> None:
        """Set members of a row, which is made where there is none."""
        key = f"{kind}/{id}"
        row = self.kept.get(key, {})
        if any(name not in row or row[name] != value for name, value in members.items()):
            self.kept[key] = {**row, **{name: _same(value) for name, value in members.items()}}
            self._changed.add(key)

    def count(self, kind: str, id: str, name: str, by: int = 1) -> None:
        """Add to a number of a row, where there is one."""
        row = self.get(kind, id)
        if row is not None:
            self.put(kind, id, **{name: int(row.get(name, 0)) + by})

    def of(self, kind: str) -> list[tuple[str, JsonObject]]:
        """All of a kind, by id."""
        prefix = f"{kind}/"
        start = len(prefix)
        return [(key[start:], row) for key, row in self.kept.items() if key.startswith(prefix)]

    def changes(self) -> dict[str, JsonObject]:
        """The rows that have changed, in the order of their keys; from then on they have not."""
        changed = {key: self.kept[key] for key in sorted(self._changed)}
        self._changed.clear()
        return changed

    def take(self, changed: dict[str, JsonObject]) -> None:
        """What :meth:`changes` gave elsewhere, also where it was JSON in between."""
        for key, row in changed.items():
            self.kept[key] = {name: _same(value) for name, value in row.items()}


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
