"""Masks: parts of resources that some readers do not see, such as the social security number of a patient.

What is masked is left out of what is sent, with the security label ``MASKED`` on the resource, and cannot be searched
by, sorted by or found as a word. https://terminology.hl7.org/CodeSystem-v3-ObservationValue.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from fhirserver.kernel.json import Json, JsonObject

_LABEL: JsonObject = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "MASKED",
    "display": "masked",
}


@dataclass(frozen=True, slots=True)
class Mask:
    """An element below a type, such as ``identifier`` of Patient, and of a list only the items with this ``system``
    (empty: all)."""

    type: str
    path: tuple[str, ...]
    system: str = ""

    def is_read_by(self, expression: str) -> bool:
        """Whether the FHIRPath of a search parameter may look at what is masked; a name may be written with escapes."""
        words = rf"\b({self.path[0]}|children|descendants|repeat)\b|\\"
        return re.search(words, expression) is not None

    def may_be_in(self, type: str, content: bytes) -> bool:
        """Whether a resource may hold what is masked: it is of the mask's type, or one that is may lie in it."""
        return type == self.type or b'"%s"' % self.type.encode() in content


def masked(resource: JsonObject, masks: Sequence[Mask]) -> JsonObject:
    """The resource without what the masks hide in it and in the resources that lie in it, itself where that is nothing:
    what it contains, the entries of a Bundle, the values of a Parameters."""
    below = _held(resource, masks)
    shown = _stripped(below, masks)
    held = shown.get("contained")
    if isinstance(held, list):
        inside = [_stripped(one, masks) if isinstance(one, dict) else one for one in held]
        if not _is_same(inside, held):
            shown = {**shown, "contained": inside}
    if shown is below:
        return below
    meta = shown.get("meta", {})
    return {**shown, "meta": {**meta, "security": [*meta.get("security", ()), _LABEL]}}


def _held(node: JsonObject, masks: Sequence[Mask]) -> JsonObject:
    """The node with every resource below it masked; itself where nothing is."""
    changed: JsonObject = {}
    for name, value in node.items():
        if name in _HOLDERS:
            below = _masked_below(value, masks)
            if below is not value:
                changed[name] = below
    return {**node, **changed} if changed else node


_HOLDERS = frozenset({"entry", "resource", "parameter", "part", "response", "outcome"})
"""Members that lead to a resource inside of another, which has labels of its own."""


def _masked_below(value: Json, masks: Sequence[Mask]) -> Json:
    if isinstance(value, list):
        items = [_masked_below(one, masks) for one in value]
        return value if _is_same(items, value) else items
    if not isinstance(value, dict):
        return value
    return masked(value, masks) if "resourceType" in value else _held(value, masks)


def _stripped(resource: JsonObject, masks: Sequence[Mask]) -> JsonObject:
    """One resource without what the masks of its type hide. What is contained has no labels of its own (dom-5)."""
    for mask in masks:
        if mask.type == resource.get("resourceType"):
            resource = _without(resource, mask.path, mask.system)
    return resource


def _without(holder: JsonObject, path: Sequence[str], system: str) -> JsonObject:
    """The holder without the element; a new one where it had it."""
    name, *rest = path
    if name not in holder and f"_{name}" not in holder:
        return holder
    if not rest:
        return _taken(holder, name, system)
    value = holder.get(name)
    below: Json = value
    if isinstance(value, list):
        items = [_without(one, rest, system) if isinstance(one, dict) else one for one in value]
        below = value if _is_same(items, value) else items
    elif isinstance(value, dict):
        below = _without(value, rest, system)
    return holder if below is value else {**holder, name: below}


def _is_same(fresh: Sequence[Json], old: Sequence[Json]) -> bool:
    return all(new is before for new, before in zip(fresh, old, strict=True))


def _taken(holder: JsonObject, name: str, system: str) -> JsonObject:
    value = holder.get(name)
    if system and isinstance(value, list):
        kept = [one for one in value if not (isinstance(one, dict) and one.get("system") == system)]
        if len(kept) == len(value):
            return holder
        if kept:
            return {**holder, name: kept}
    elif system and isinstance(value, dict) and value.get("system") != system:
        return holder
    return {key: one for key, one in holder.items() if key not in (name, f"_{name}")}
