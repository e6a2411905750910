"""The values of an element with the place of each. https://hl7.org/fhir/R4/json.html"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.model.definitions import definitions
from fhirserver.model.fhirpath import Typed
from fhirserver.model.fhirpath.elements import ABSTRACT, is_primitive
from fhirserver.model.fhirpath.values import Extended
from fhirserver.model.validation.report import Place

Placed: TypeAlias = tuple[Typed, Place]


class Member(NamedTuple):
    """A JSON member that may hold an element: ``label`` is what FHIRPath calls it."""

    key: str
    type: str
    label: str
    primitive: bool


@lru_cache(16384)
def members_of(type_name: str, name: str) -> tuple[Member, ...]:
    """The members that hold ``name`` of a type."""
    definition = definitions().type(type_name)
    found = definition.by_name.get(name, ()) if definition else ()
    return tuple(
        Member(
            e.json_name,
            e.type,
            f"{e.name}.ofType({e.type})" if e.choice else e.name,
            is_primitive(e.type),
        )
        for e in found
    )


def items(holder: Typed, name: str, place: Place) -> list[Placed]:
    """The values of the element ``name``, primitives that have only extensions too."""
    node = holder.value if isinstance(holder.value, dict) else getattr(holder, "sibling", None)
    if not isinstance(node, dict):
        return []
    type_name = holder.type if isinstance(holder.value, dict) else "Element"
    return [placed for member in members_of(type_name, name) for placed in _held(node, member, place)]


def _held(node: JsonObject, member: Member, place: Place) -> Iterator[Placed]:
    value = node.get(member.key)
    sibling = node.get("_" + member.key) if member.primitive else None
    if isinstance(value, list) or isinstance(sibling, list):
        yield from _listed(value, sibling, member, place)
    elif value is not None or sibling is not None:
        yield typed(value, sibling, member.type), (place, member.label, -1)


def _listed(value: Json, sibling: Json, member: Member, place: Place) -> Iterator[Placed]:
    values = value if isinstance(value, list) else []
    siblings = sibling if isinstance(sibling, list) else []
    for at in range(max(len(values), len(siblings))):
        one = values[at] if at < len(values) else None
        extra = siblings[at] if at < len(siblings) else None
        if one is not None or extra is not None:
            yield typed(one, extra, member.type), (place, member.label, at)


def typed(value: Json, sibling: Json, type_name: str) -> Typed:
    """A value as expressions see it; what is declared as Resource has the type that it says."""
    if isinstance(sibling, dict):
        item = Extended(value, type_name)
        item.sibling = sibling
        return item
    if type_name in ABSTRACT and isinstance(value, dict):
        return Typed(value, str(value.get("resourceType", type_name)))
    return Typed(value, type_name)
