"""A set of scheduling rules: which free slots of the calendar may be offered at all.

Every rule takes slots away and none adds any, so that their order is of no account. What is not said takes nothing
away, but for the lead. How each is applied is in :mod:`agent.scheduling.rules`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from fhirserver.world.configured.parts import (
    Clock,
    Day,
    DayOrNone,
    Hours,
    Name,
    Part,
    Scope,
    Service,
    ZoneOrNone,
    minutes,
)

Party = Literal["patient", "practitioner"]
PARTIES: tuple[Party, ...] = ("patient", "practitioner")
Minutes = Annotated[int, Field(ge=1, le=24 * 60)]


class WeeklyHours(Scope, Hours):
    """Open on these days at these hours."""


class ExceptionalHours(Scope):
    """Days on which other hours hold: none at all (``closed``), or these. ``name`` is what is told as the reason."""

    name: Name
    date: Day
    until: DayOrNone = ""
    closed: bool = True
    begins: Clock = Field(default="00:00", alias="from")
    ends: Clock = Field(default="24:00", alias="to")

    def model_post_init(self, context: Any, /) -> None:
        if self.until and self.until < self.date:
            raise ValueError("'until' is not before 'date'")
        if minutes(self.begins) >= minutes(self.ends):
            raise ValueError("'from' is before 'to'")

    def falls_on(self, day: str) -> bool:
        """Whether it is about this day (YYYY-MM-DD)."""
        return self.date <= day <= (self.until or self.date)


class OpenHours(Part):
    """A visit lies within the hours that are open. The narrowest that are about a slot hold for it; where none is,
    hours are no matter. On a day with an exception only that counts."""

    weekly: list[WeeklyHours] = Field(default_factory=list, max_length=500)
    exceptions: list[ExceptionalHours] = Field(default_factory=list, max_length=1000)


class ConcurrentStartBlock(Scope):
    """Not more than ``most`` visits begin at the same time: of a practitioner, at a location, or in the practice.

    ``within_minutes``: so far apart still counts as the same time.
    """

    most: int = Field(default=1, ge=1, le=100)
    per: Literal["practitioner", "location", "practice"] = "location"
    within_minutes: int = Field(default=0, ge=0, le=240)


class RollingDays(Scope):
    """Nothing further ahead than this many days, today being the first; the window moves on with every day."""

    days: int = Field(default=90, ge=1, le=730)


class BlockOverlap(Scope):
    """Nothing that overlaps what is taken already, with ``buffer_minutes`` between: by the patient, whose other visits
    count wherever they are, or by the practitioner."""

    by: list[Party] = Field(default_factory=lambda: list(PARTIES), min_length=1, max_length=2)
    buffer_minutes: int = Field(default=0, ge=0, le=240)


class SessionGrid(Scope, Hours):
    """A session, divided into cells of ``minutes``: a visit begins where a cell does and ends within the session.

    On days on which a slot has sessions, it lies in one of them.
    """

    minutes: Minutes = 30


class Release(Scope, Hours):
    """Slots that are held back until so many hours before they begin: kept for what is urgent."""

    hours_before: int = Field(default=48, ge=1, le=24 * 365)


class PatientLimit(Scope):
    """A patient has at most so many visits in any ``within_days`` days."""

    most: int = Field(default=1, ge=1, le=100)
    within_days: int = Field(default=30, ge=1, le=730)


class Duration(Part):
    """A visit of this kind needs at least so many minutes."""

    service: Service
    minutes: Minutes


class PatientKind(Scope, Hours):
    """Only for patients who are new, or only for those who have been seen before."""

    patients: Literal["new", "established"]


RULES = (
    "lead",
    "rolling_days",
    "open_hours",
    "concurrent_start_block",
    "block_overlap",
    "session_grid",
    "release",
    "patient_limit",
    "durations",
    "patient_kinds",
)
"""The names of all rules, as they stand in the document and in an explanation."""


class SchedulingRules(Part):
    """The whole set. ``zone``: the time zone in which days and hours are meant; empty: the agent's.

    ``lead`` are minutes; ``search_days`` is how far ahead is looked where the caller names no day.
    """

    zone: ZoneOrNone = ""
    lead: int = Field(default=120, ge=0, le=60 * 24 * 60)
    search_days: int = Field(default=60, ge=1, le=730)
    rolling_days: list[RollingDays] = Field(default_factory=list, max_length=100)
    open_hours: OpenHours = OpenHours()
    concurrent_start_block: list[ConcurrentStartBlock] = Field(default_factory=list, max_length=100)
    block_overlap: list[BlockOverlap] = Field(default_factory=list, max_length=100)
    session_grid: list[SessionGrid] = Field(default_factory=list, max_length=500)
    release: list[Release] = Field(default_factory=list, max_length=500)
    patient_limit: list[PatientLimit] = Field(default_factory=list, max_length=100)
    durations: list[Duration] = Field(default_factory=list, max_length=200)
    patient_kinds: list[PatientKind] = Field(default_factory=list, max_length=200)

    @property
    def reach(self) -> int:
        """The furthest day that any slot may be on, in days from today; 0 where there is no limit."""
        everywhere = [one.days for one in self.rolling_days if not one.narrowness]
        return min(everywhere, default=0)

    @property
    def looks_at_others(self) -> bool:
        """Whether it matters what else is taken in the calendar."""
        return bool(self.concurrent_start_block) or any("practitioner" in o.by for o in self.block_overlap)

    @property
    def looks_at_patient(self) -> bool:
        """Whether it matters who the patient is."""
        by_patient = any("patient" in one.by for one in self.block_overlap)
        return bool(by_patient or self.patient_limit or self.patient_kinds)


ORDINARY = SchedulingRules()
"""What holds without a rule set: two hours ahead, and sixty days to look at."""
