"""Rolling days: nothing further ahead than so many days of the calendar, of which today is the first."""

from __future__ import annotations

from datetime import timedelta

from agent.records import SlotRecord
from agent.scheduling.circumstances import Circumstances, about
from fhirserver.world.configured.scheduling_rules import SchedulingRules


def rolling_days(rules: SchedulingRules, slot: SlotRecord, around: Circumstances) -> str:
    """Days are counted on the calendar: one of 23 or 25 hours is a day like any other."""
    today, day = around.local(around.now).date(), around.local(slot.start).date()
    for one in rules.rolling_days:
        last = today + timedelta(days=one.days - 1)
        if about(one, slot, around) and day > last:
            return f"it is after {last}, the last of the {one.days} days that are open for booking"
    return ""
