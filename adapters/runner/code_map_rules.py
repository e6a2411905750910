"""Where codes of a connector's records are translated, and by which ConceptMap: the setting ``code_maps``.

A rule says where: an element (``Observation.code``), a field of HL7v2 messages (``OBX-3``), or ``*`` for every code of
a system that the map has codes of.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from fhirserver.model.definitions import definitions

EVERYWHERE = "*"
_PLACE = re.compile(r"([A-Z][A-Z0-9]{2})(?:\[\d+\])?-(\d+)")
_CODED = ("CodeableConcept", "Coding")
_FIELD = re.compile(r"([A-Z][A-Z0-9]{2})-([1-9]\d{0,2})\Z")


@dataclass(frozen=True, slots=True)
class Rule:
    """``where`` is as it stands in the settings; ``type`` and ``steps`` are of an element."""

    where: str
    map: str
    type: str = ""
    steps: tuple[str, ...] = ()

    @property
    def is_field(self) -> bool:
        return not self.type and self.where != EVERYWHERE

    def is_from(self, place: str) -> bool:
        """Whether a place of a message, such as ``OBX[2]-5``, is the rule's field."""
        found = _PLACE.match(place)
        return found is not None and f"{found[1]}-{found[2]}" == self.where


def parse_rule(text: str) -> Rule:
    """From ``WHERE=CANONICAL``. Raises :class:`ValueError` that says what is wrong."""
    where, equals, map = (part.strip() for part in text.partition("="))
    if not equals or ":" not in map:
        raise ValueError('a code map is such as "Observation.code=https://example.org/ConceptMap/tests"')
    if where == EVERYWHERE or _FIELD.match(where):
        return Rule(where, map)
    type, *steps = where.split(".")
    _check(where, type, steps)
    return Rule(where, map, type, tuple(step.removesuffix("[x]") for step in steps))


def _check(where: str, type: str, steps: Sequence[str]) -> None:
    model = definitions()
    if type not in model.resource_types:
        raise ValueError(f"'{type[:64]}' is no resource type, no field such as OBX-3, and not '*'")
    here = {type}
    for step in steps:
        name = step.removesuffix("[x]")
        elements = [found.elements for one in here if (found := model.type(one)) is not None]
        here = {of[key].type for of in elements for key in members(name) if key in of}
        if not here:
            raise ValueError(f"{type} has no element {where[:128]}")
    if not here & set(_CODED):
        raise ValueError(
            f"{where} holds no codes of code systems: it is neither a CodeableConcept nor a Coding"
        )


def members(step: str) -> tuple[str, ...]:
    """An element, or what a choice is called where it is coded."""
    return (step, *(f"{step}{type}" for type in _CODED))
