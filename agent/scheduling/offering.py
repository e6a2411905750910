"""What is offered of the slots that may be: a few, by what the caller would like."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from agent.records import SlotRecord
from agent.scheduling.wishes import Wish
from fhirserver.world.configured.scheduling_rules import ORDINARY, SchedulingRules


def admissible(
    slots: Iterable[SlotRecord],
    now: datetime,
    taken: Sequence[datetime] = (),
    rules: SchedulingRules = ORDINARY,
) -> list[SlotRecord]:
    """Slots in the future by the lead time, each start and practitioner once, none at a time already taken."""
    soonest = now + timedelta(minutes=rules.lead)
    seen: set[tuple[datetime, str]] = set()
    kept = []
    for slot in sorted(slots, key=lambda s: (s.start, s.practitioner, s.id)):
        key = (slot.start, slot.practitioner)
        if slot.start >= soonest and key not in seen and slot.start not in taken:
            seen.add(key)
            kept.append(slot)
    return kept


def _spread(slots: Sequence[SlotRecord], most: int) -> list[SlotRecord]:
    """Up to ``most`` slots, at first at most one per half day, so that the caller has a real choice."""
    halves: set[tuple[date, bool]] = set()
    picked = []
    for slot in slots:
        half = (slot.start.date(), slot.start.hour < 12)
        if half not in halves:
            halves.add(half)
            picked.append(slot)
    starts = {s.start for s in picked[:most]}
    for slot in slots:
        if len(starts) >= most:
            break
        if slot.start not in starts:
            starts.add(slot.start)
            picked.append(slot)
    return sorted(
        picked[:most] if len(picked) >= most and not picked[most:] else _trim(picked, most),
        key=lambda s: s.start,
    )


def _trim(slots: Sequence[SlotRecord], most: int) -> list[SlotRecord]:
    return list(slots[:most])


@dataclass(frozen=True, slots=True)
class Offer:
    """Slots to offer; ``fits`` says whether they are what was asked for (``day``, ``all`` or ``none`` of it)."""

    slots: tuple[SlotRecord, ...]
    fits: str


def offer(slots: Sequence[SlotRecord], wanted: Wish, practitioner: str = "", most: int = 3) -> Offer:
    """Choose what to offer: what fits, the same practitioner first; else the right day; else the nearest."""
    for fits, test in (("all", wanted.holds), ("day", lambda at: wanted.holds_day(at.date()))):
        fitting = [s for s in slots if test(s.start)]
        same = [s for s in fitting if practitioner and s.practitioner == practitioner]
        if fitting and (fits == "all" or wanted.days):
            return Offer(tuple(_spread(same or fitting, most)), fits)
    same = [s for s in slots if practitioner and s.practitioner == practitioner]
    return Offer(tuple(_spread(_nearest(same or slots, wanted), most)), "none")


def _nearest(slots: Sequence[SlotRecord], wanted: Wish) -> list[SlotRecord]:
    if not wanted.days:
        return list(slots)
    target = min(w.first for w in wanted.days)
    return sorted(slots, key=lambda s: (abs((s.start.date() - target).days), s.start))
