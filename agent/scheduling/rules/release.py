"""Release: slots that are held back until shortly before, kept for what is urgent."""

from __future__ import annotations

from datetime import timedelta

from agent.records import SlotRecord
from agent.scheduling.circumstances import Circumstances, about
from fhirserver.world.configured.scheduling_rules import SchedulingRules


def release(rules: SchedulingRules, slot: SlotRecord, around: Circumstances) -> str:
    begins, ends = around.local(slot.start), around.local(slot.end)
    for one in rules.release:
        held = about(one, slot, around) and one.hold(begins, ends)
        if held and slot.start - around.now > timedelta(hours=one.hours_before):
            return f"it is held back until {one.hours_before} hours before it begins"
    return ""
