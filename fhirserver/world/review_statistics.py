"""Review in figures: counts, and how long decisions took. Pure: Tasks in, figures out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from fhirserver.kernel.instants import comparable, parse_instant
from fhirserver.kernel.json import JsonObject
from fhirserver.world.duplicates import DUPLICATE, read_duplicate
from fhirserver.world.review import Item, Settled, is_review, read_item, reason_codes

BY_ITEM = ("status", "priority", "reason", "outcome")


@dataclass(slots=True)
class Reviewer:
    """One reviewer: the items they closed and how long those had waited, their decisions on claims by kind."""

    seconds: list[float] = field(default_factory=list)
    decisions: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Statistics:
    """``items`` by status, priority, reason and outcome; ``decisions`` on claims and pairs by kind;
    ``seconds`` from when an item was made to when it was decided, for those that were."""

    items: int = 0
    counts: dict[str, Counter[str]] = field(default_factory=lambda: {name: Counter() for name in BY_ITEM})
    decisions: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    reviewers: dict[str, Reviewer] = field(default_factory=dict)

    def add(self, task: JsonObject) -> None:
        """Count a review item."""
        if not is_review(task):
            return
        self.items += 1
        self.counts["status"][str(task.get("status", ""))] += 1
        self.counts["priority"][str(task.get("priority", "routine"))] += 1
        self.counts["reason"].update(reason_codes(task))
        if word := task.get("businessStatus", {}).get("text"):
            self.counts["outcome"][word] += 1
        self._add_decisions(task)

    def _add_decisions(self, task: JsonObject) -> None:
        try:
            item = read_item(task)
            made = _made(task, item)
        except ValueError:
            return
        for settled in made:
            self.decisions[settled.decision] += 1
            self._reviewer(settled.by).decisions[settled.decision] += 1
        if item.status == "completed" and item.owner and (took := _seconds(task)) is not None:
            self.seconds.append(took)
            self._reviewer(item.owner).seconds.append(took)

    def _reviewer(self, name: str) -> Reviewer:
        return self.reviewers.setdefault(name, Reviewer())


def _made(task: JsonObject, item: Item) -> list[Settled]:
    """What was decided: on claims one by one, on a pair of patients once."""
    if item.kind == DUPLICATE:
        settled = read_duplicate(task).settled
        return [settled] if settled is not None else []
    return [claim.settled for claim in item.decided if claim.settled is not None]


def _seconds(task: JsonObject) -> float | None:
    """From when the item was made to its last change, which is the decision that closed it."""
    try:
        began, ended = comparable(str(task["authoredOn"])), comparable(str(task["lastModified"]))
    except (KeyError, ValueError, OverflowError):
        return None
    return max(0.0, (parse_instant(ended) - parse_instant(began)).total_seconds())


def percentile(values: list[float], share: float) -> float:
    """The least value that at least this share of the values does not exceed; of none 0."""
    if not values:
        return 0.0
    rank = max(1, -(-len(values) * round(share * 100) // 100))
    return sorted(values)[rank - 1]
