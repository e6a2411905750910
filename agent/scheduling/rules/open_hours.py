"""Open hours: a visit lies within the hours that are open, whatever the calendar of the EHR has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from agent.records import SlotRecord
from agent.scheduling.circumstances import Circumstances, about
from fhirserver.world.configured.parts import Scope, clock, minutes, of_day
from fhirserver.world.configured.scheduling_rules import ExceptionalHours, SchedulingRules

One = TypeVar("One", bound=Scope)


def open_hours(rules: SchedulingRules, slot: SlotRecord, around: Circumstances) -> str:
    day = around.local(slot.start).date().isoformat()
    on_day = [one for one in rules.open_hours.exceptions if one.falls_on(day) and about(one, slot, around)]
    if on_day:
        return _exceptionally(_narrowest(on_day), slot, around)
    weekly = _narrowest([one for one in rules.open_hours.weekly if about(one, slot, around)])
    begins, ends = around.local(slot.start), around.local(slot.end)
    if not weekly or any(one.hold(begins, ends) for one in weekly):
        return ""
    of_the_day = [f"{one.begins} to {one.ends}" for one in weekly if one.on(begins)]
    if not of_the_day:
        return f"it is closed on {begins:%A}s"
    return f"open on {begins:%A}s are only {', '.join(of_the_day)}"


def _exceptionally(found: Sequence[ExceptionalHours], slot: SlotRecord, around: Circumstances) -> str:
    begins, ends = around.local(slot.start), around.local(slot.end)
    first, last = of_day(begins), of_day(ends) + 24 * 60 * (ends.date() - begins.date()).days
    for one in found:
        if one.closed:
            return f"it is closed: {one.name}"
    if any(minutes(one.begins) <= first and last <= minutes(one.ends) for one in found):
        return ""
    hours = ", ".join(f"{clock(minutes(one.begins)):%H:%M} to {one.ends}" for one in found)
    return f"open are only {hours}: {found[0].name}"


def _narrowest(found: Sequence[One]) -> Sequence[One]:
    """Those that say most closely what they are about: the hours of a doctor go before those of the house."""
    most = max((one.narrowness for one in found), default=0)
    return [one for one in found if one.narrowness == most]
