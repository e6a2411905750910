"""Patient kinds: some slots are for new patients only, some for those who have been seen before."""

from __future__ import annotations

from agent.records import SlotRecord
from agent.scheduling.circumstances import Circumstances, about
from fhirserver.world.configured.scheduling_rules import SchedulingRules


def patient_kinds(rules: SchedulingRules, slot: SlotRecord, around: Circumstances) -> str:
    """Of a patient of whom it is not known whether they were seen before nothing is assumed."""
    established = around.patient.established if around.patient else None
    if established is None:
        return ""
    begins, ends = around.local(slot.start), around.local(slot.end)
    for one in rules.patient_kinds:
        held = about(one, slot, around) and one.hold(begins, ends)
        if held and (one.patients == "established") is not established:
            return f"it is for {one.patients} patients only"
    return ""
