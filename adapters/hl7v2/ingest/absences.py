"""What a message states to be no more: explicit nulls, and what a list that is whole does not have any more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field, replace

from adapters.hl7v2.message import Segment
from fhirserver.kernel.frozen import frozen
from fhirserver.kernel.json import Json, JsonObject
from fhirserver.world.units import Units, member_of, unit_of_member

LISTS = frozenset({"name", "telecom", "address"})
"""Elements whose items are units, and that HL7 sends whole: a repeating field is the list as it is now. Identifiers
are not: numbers are changed by messages of their own (A47), and what one message leaves out may still be used."""

_KEYED = LISTS | {"identifier", "extension", "modifierExtension"}


@frozen
class Absences:
    """The units that a statement about ``type`` takes away; asked when it is decided.

    ``null`` are elements stated absent, whoever spoke of them. ``whole`` are lists that replace what the source said;
    of a list in ``uses`` only the items of a use that is stated go. ``units`` are single units.
    """

    type: str
    null: frozenset[str] = frozenset()
    whole: frozenset[str] = frozenset()
    uses: Mapping[str, frozenset[str]] = field(default_factory=dict)
    units: frozenset[str] = frozenset()

    def __call__(self, own: Units, world: Units) -> Iterator[str]:
        yield from (unit for unit in self.units if unit in own)
        for element in self.null:
            yield from _units_of(element, self.type, {**world, **own})
        for unit, value in own.items():
            element = member_of(unit)
            if element in self.whole or (element in self.uses and _uses(value) <= self.uses[element]):
                yield unit

    def __bool__(self) -> bool:
        return bool(self.null or self.whole or self.uses or self.units)

    def without(self, members: Iterable[str]) -> Absences:
        """The same but for elements of which nothing may be said."""
        gone = {unit_of_member(self.type, member) for member in members}
        return replace(
            self,
            null=frozenset(name for name in self.null if unit_of_member(self.type, name) not in gone),
            whole=self.whole - gone,
            uses={element: uses for element, uses in self.uses.items() if element not in gone},
        )


def _units_of(element: str, type: str, units: Units) -> Iterator[str]:
    """The units of an element; of one that is a single unit that one, also where nobody spoke of it."""
    unit = unit_of_member(type, element)
    if unit in _KEYED:
        yield from (one for one in units if member_of(one) == unit)
    else:
        yield unit


def _uses(items: Json) -> frozenset[str]:
    return frozenset(str(item.get("use", "")) for item in items)


def absences(type: str, content: JsonObject, null: frozenset[str], pid: Segment | None = None) -> Absences:
    """What a statement takes away beside what it says. ``pid``: the segment that a Patient comes from.

    A patient's phones come from two fields, PID-13 and PID-14: where only one is there, the list is whole for the uses
    that it states.
    """
    whole = {element for element in LISTS if content.get(element)}
    uses: dict[str, frozenset[str]] = {}
    if type == "Patient" and "telecom" in whole and not (pid and pid.field(13) and pid.field(14)):
        whole.discard("telecom")
        uses["telecom"] = _uses(content["telecom"])
    return Absences(type, null - content.keys(), frozenset(whole), uses)
