"""Concurrent start block: not more than so many visits begin at the same time, for whoever receives them is one."""

from __future__ import annotations

from datetime import timedelta

from agent.records import SlotRecord
from agent.scheduling.circumstances import Circumstances, Visit, about, counts
from fhirserver.world.configured.scheduling_rules import ConcurrentStartBlock, SchedulingRules


def concurrent_start_block(rules: SchedulingRules, slot: SlotRecord, around: Circumstances) -> str:
    for one in rules.concurrent_start_block:
        if not about(one, slot, around):
            continue
        near = timedelta(minutes=one.within_minutes)
        beginning = sum(
            abs(visit.start - slot.start) <= near and _shares(one, visit, slot) and counts(one, visit)
            for visit in around.taken
        )
        if beginning >= one.most:
            at = "at that time" if not one.within_minutes else f"within {one.within_minutes} minutes of it"
            where = {"practitioner": "of the practitioner ", "location": "at the location "}.get(one.per, "")
            visits = f"{beginning} visit{'s' if beginning > 1 else ''}"
            return f"{visits} {where}{'begin' if beginning > 1 else 'begins'} {at}, and no more than {one.most} may"
    return ""


def _shares(one: ConcurrentStartBlock, visit: Visit, slot: SlotRecord) -> bool:
    if one.per == "practice":
        return True
    if one.per == "location":
        return visit.location == slot.location
    return visit.practitioner == slot.practitioner
