"""Block overlap: nobody is in two visits at once, whatever two calendars say."""

from __future__ import annotations

from datetime import timedelta

from agent.records import SlotRecord
from agent.scheduling.circumstances import Circumstances, about
from fhirserver.world.configured.scheduling_rules import SchedulingRules


def block_overlap(rules: SchedulingRules, slot: SlotRecord, around: Circumstances) -> str:
    for one in rules.block_overlap:
        if not about(one, slot, around):
            continue
        buffer = timedelta(minutes=one.buffer_minutes)
        apart = f" or is less than {one.buffer_minutes} minutes from it" if one.buffer_minutes else ""
        own = around.patient.visits if around.patient and "patient" in one.by else ()
        if any(visit.overlaps(slot.start, slot.end, buffer) for visit in own):
            return f"it overlaps a visit of the patient's{apart}"
        if "practitioner" in one.by and slot.practitioner:
            theirs = [visit for visit in around.taken if visit.practitioner == slot.practitioner]
            if any(visit.overlaps(slot.start, slot.end, buffer) for visit in theirs):
                return f"it overlaps a visit of the practitioner's{apart}"
    return ""
