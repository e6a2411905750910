"""Durations: a visit of a kind needs so many minutes."""

from __future__ import annotations

from datetime import timedelta

from agent.records import SlotRecord
from agent.scheduling.circumstances import Circumstances, wanted
from fhirserver.world.configured.scheduling_rules import SchedulingRules


def durations(rules: SchedulingRules, slot: SlotRecord, around: Circumstances) -> str:
    kinds = wanted(slot, around)
    for one in rules.durations:
        if one.service in kinds and slot.end - slot.start < timedelta(minutes=one.minutes):
            return f"a visit of this kind ({one.service}) needs {one.minutes} minutes"
    return ""
