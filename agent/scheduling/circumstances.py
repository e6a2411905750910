"""What a scheduling rule may know besides the slot itself, and which slots a part of a rule is about."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, TypeAlias

from agent.records import SlotRecord
from fhirserver.world.configured.parts import Scope
from fhirserver.world.configured.scheduling_rules import SchedulingRules


@dataclass(frozen=True, slots=True)
class Visit:
    """What is taken, by a patient or in the calendar. Names are references, or empty; times are UTC."""

    start: datetime
    end: datetime
    practitioner: str = ""
    location: str = ""
    service: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _in_utc(self, "start", "end")

    def overlaps(self, start: datetime, end: datetime, buffer: timedelta = timedelta()) -> bool:
        return self.start < end + buffer and start < self.end + buffer


@dataclass(frozen=True, slots=True)
class Known:
    """Who the slots are for: their visits still to come, but for the one that is being moved, and whether they have
    been seen before (None: not known)."""

    visits: tuple[Visit, ...] = ()
    established: bool | None = None


@dataclass(frozen=True, slots=True)
class Circumstances:
    """The same for all slots of a search.

    ``zone``: where days and hours are meant. ``service``: what kind of visit is wanted, where it is known. ``taken``:
    what else is taken in the calendar. ``patient``: None where it is not known who asks: no rule about patients takes
    anything away then.
    """

    now: datetime
    zone: tzinfo
    service: tuple[str, ...] = ()
    patient: Known | None = None
    taken: tuple[Visit, ...] = ()

    def __post_init__(self) -> None:
        _in_utc(self, "now")

    def local(self, at: datetime) -> datetime:
        """By the clock on the wall of the practice."""
        return at.astimezone(self.zone)


def _in_utc(of: object, *names: str) -> None:
    """Two times of one zone are compared, and told apart, by the clock on the wall, which jumps: so all are UTC."""
    for name in names:
        object.__setattr__(of, name, getattr(of, name).astimezone(UTC))


Rule: TypeAlias = Callable[[SchedulingRules, SlotRecord, Circumstances], str]
"""Why a slot may not be offered; empty where it may. Pure: the same slot and circumstances, the same answer."""


def services_of(resource: Any) -> tuple[str, ...]:
    """The codes of what a Slot, Appointment or Schedule is for, each alone and as ``system|code``."""
    concepts = [*resource.get("serviceType", ()), resource.get("appointmentType") or {}]
    return tuple(dict.fromkeys(code for concept in concepts for code in _codes(concept)))


def _codes(concept: Any) -> Iterator[str]:
    for coding in concept.get("coding", ()):
        if coding.get("code"):
            yield str(coding["code"])
            if coding.get("system"):
                yield f"{coding['system']}|{coding['code']}"


def wanted(slot: SlotRecord, around: Circumstances) -> tuple[str, ...]:
    """What the visit would be: what is asked for, else what the slot is meant for."""
    return around.service or services_of(slot.resource)


def about(scope: Scope, slot: SlotRecord, around: Circumstances) -> bool:
    """Whether a part of a rule is about this slot."""
    return (
        (not scope.practitioners or slot.practitioner in scope.practitioners)
        and (not scope.locations or slot.location in scope.locations)
        and (not scope.services or any(one in scope.services for one in wanted(slot, around)))
    )


def counts(scope: Scope, visit: Visit) -> bool:
    """Whether a visit that stands is one of those that a part of a rule is about."""
    return (
        (not scope.practitioners or visit.practitioner in scope.practitioners)
        and (not scope.locations or visit.location in scope.locations)
        and (not scope.services or any(one in scope.services for one in visit.service))
    )
