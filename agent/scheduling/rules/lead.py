"""Lead: nothing that begins too soon to be prepared for, or has begun."""

from __future__ import annotations

from datetime import timedelta

from agent.records import SlotRecord
from agent.scheduling.circumstances import Circumstances
from fhirserver.world.configured.scheduling_rules import SchedulingRules


def lead(rules: SchedulingRules, slot: SlotRecord, around: Circumstances) -> str:
    if slot.start >= around.now + timedelta(minutes=rules.lead):
        return ""
    if slot.start < around.now:
        return "it has begun already"
    return f"it begins in less than {rules.lead} minutes"
