"""How often a Task was tried, and when an EHR's objections to it count as its last word."""

from __future__ import annotations

from dataclasses import dataclass

from fhirserver.ports.ehr import Conflict

MOST_CONFLICTS = 5
"""So often may a sink object to one change that nothing of its own explains, until it counts as refused."""

OBJECTING_SECONDS = 30.0
"""So long must it have objected, too: an EHR that refuses many writes for no reason refuses some several times."""

MOST_NEWS = 25
"""So often may its own changes, or a record that turns out to be another, be in the way of one change of ours."""


@dataclass(slots=True)
class Tries:
    """How often a Task was tried here, how often the EHR objected, how often because of its own news, and what the Task
    waits for (``Type/id``). ``since``: monotonic seconds of the first objection."""

    count: int = 0
    conflicts: int = 0
    news: int = 0
    waits_for: str = ""
    since: float = 0.0
    explained: int = 0

    def objected(self, conflict: Conflict, is_news: bool, now: float) -> None:
        """The EHR objected, and what it holds now has been read."""
        self.since = self.since or now
        self.explained += conflict.explained
        if is_news:
            self.news += 1
        else:
            self.conflicts += 1

    def is_refused(self, now: float, objecting: float = OBJECTING_SECONDS) -> bool:
        """Whether it is not to be tried again: it was often objected to, and for so long, or for a reason seen."""
        if self.news >= MOST_NEWS or self.explained >= MOST_CONFLICTS:
            return True
        return self.conflicts >= MOST_CONFLICTS and now - self.since >= objecting

    @property
    def again(self) -> int:
        """By how many objections the next attempt waits longer; 0: it is made at once."""
        return self.conflicts + self.news - 1
