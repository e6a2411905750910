"""Patient limit: at most so many visits of one patient in any so many days."""

from __future__ import annotations

from datetime import date, timedelta

from agent.records import SlotRecord
from agent.scheduling.circumstances import Circumstances, about, counts
from fhirserver.world.configured.scheduling_rules import SchedulingRules


def patient_limit(rules: SchedulingRules, slot: SlotRecord, around: Circumstances) -> str:
    if around.patient is None:
        return ""
    day = around.local(slot.start).date()
    for one in rules.patient_limit:
        if not about(one, slot, around):
            continue
        days = [around.local(visit.start).date() for visit in around.patient.visits if counts(one, visit)]
        if _most_in(days, day, one.within_days) >= one.most:
            visits = f"{one.most} visit{'s' if one.most > 1 else ''}"
            return f"the patient may have no more than {visits} within {one.within_days} days"
    return ""


def _most_in(days: list[date], day: date, length: int) -> int:
    """The most of ``days`` that lie in one window of that many days which ``day`` is in too.

    Such a window can be moved until it begins with one of them or ends with ``day``.
    """
    begins = [one for one in days if timedelta() <= day - one < timedelta(days=length)]
    begins.append(day)
    return max(sum(first <= one < first + timedelta(days=length) for one in days) for first in begins)
