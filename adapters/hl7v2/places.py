"""Places in a message, as people write them (``PID[1]-5.2``) and as segment ERR does."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PLACE = re.compile(
    r"(?P<segment>[A-Z][A-Z0-9]{2})(?:\[(?P<occurrence>\d+)\])?"
    r"(?:-(?P<field>\d+)(?:\[(?P<repetition>\d+)\])?(?:\.(?P<component>\d+)(?:\.(?P<subcomponent>\d+))?)?)?\Z"
)


@dataclass(frozen=True, slots=True)
class Place:
    """A segment or something in it; numbers are texts as they are written, empty where nothing is said."""

    segment: str
    occurrence: str = "1"
    field: str = ""
    repetition: str = ""
    component: str = ""
    subcomponent: str = ""

    def location(self) -> tuple[str, ...]:
        """ERR-2, data type ERL: segment, occurrence, field, repetition, component, subcomponent."""
        repetition = self.repetition or ("1" if self.field else "")
        return (self.segment, self.occurrence, self.field, repetition, self.component, self.subcomponent)


def read_place(text: str) -> Place | None:
    """The place that ``PID-3``, ``OBX[2]-5`` or ``PID-3[2].4.1`` names; None for what is none, such as a line."""
    found = _PLACE.match(text)
    if found is None:
        return None
    return Place(
        **{name: number or "" for name, number in found.groupdict().items() if name != "occurrence"},
        occurrence=found["occurrence"] or "1",
    )
