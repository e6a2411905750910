"""``now``, ``today`` and ``timeOfDay``: the same instant throughout one evaluation.

https://hl7.org/fhirpath/N1/#current-date-and-time-functions
"""

from __future__ import annotations

from fhirserver.kernel.instants import instant
from fhirserver.model.fhirpath.environment import Frame
from fhirserver.model.fhirpath.functions.signature import Function, Functions
from fhirserver.model.fhirpath.values import DATE, DATETIME, TIME, Items, Typed


def now(frame: Frame, items: Items) -> Items:
    return [Typed(instant(frame.instant()), DATETIME)]


def today(frame: Frame, items: Items) -> Items:
    return [Typed(instant(frame.instant())[:10], DATE)]


def time_of_day(frame: Frame, items: Items) -> Items:
    return [Typed(instant(frame.instant())[11:23], TIME)]


FUNCTIONS: Functions = {
    "now": Function(now, result=DATETIME),
    "today": Function(today, result=DATE),
    "timeOfDay": Function(time_of_day, result=TIME),
}
