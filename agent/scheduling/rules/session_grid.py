"""Session grid: a visit begins where a cell of its session does, so that no gaps remain that are of no use."""

from __future__ import annotations

from agent.records import SlotRecord
from agent.scheduling.circumstances import Circumstances, about
from fhirserver.world.configured.parts import minutes, of_day
from fhirserver.world.configured.scheduling_rules import SchedulingRules


def session_grid(rules: SchedulingRules, slot: SlotRecord, around: Circumstances) -> str:
    begins, ends = around.local(slot.start), around.local(slot.end)
    sessions = [one for one in rules.session_grid if about(one, slot, around) and one.on(begins)]
    if not sessions:
        return ""
    within = [one for one in sessions if one.spans(begins, ends)]
    if not within:
        return "it is in no session of the day"
    exact = not begins.second and not begins.microsecond
    if exact and any((of_day(begins) - minutes(one.begins)) % one.minutes == 0 for one in within):
        return ""
    one = within[0]
    return f"it does not begin on the grid of {one.minutes} minutes from {one.begins}"
