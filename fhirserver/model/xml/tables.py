"""What reading and writing must know of each type, compiled once from the definitions."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from functools import cache

from fhirserver.model.definitions import ElementDef, definitions

FHIR = "http://hl7.org/fhir"
XHTML = "http://www.w3.org/1999/xhtml"
NUMBERS = frozenset({"decimal", "integer", "positiveInt", "unsignedInt"})


class Kind(Enum):
    """How an element is written."""

    PRIMITIVE = 1
    COMPLEX = 2
    RESOURCE = 3
    XHTML = 4
    ATTRIBUTE = 5


@dataclass(frozen=True, slots=True)
class Member:
    """One element of a type. ``name`` is that of FHIRPath, such as ``value.ofType(Quantity)``; ``order`` counts
    from 1 as in the specification."""

    name: str
    json_name: str
    sibling: str
    type: str
    kind: Kind
    order: int
    is_list: bool


@dataclass(frozen=True, slots=True)
class Table:
    """A type: ``members`` by JSON name; ``tags`` by ``namespace name`` as expat says it; ``attributes``.

    ``order`` has every property that JSON may have, siblings and ``resourceType`` too.
    """

    is_resource: bool
    members: dict[str, Member] = field(default_factory=dict)
    tags: dict[str, Member] = field(default_factory=dict)
    attributes: frozenset[str] = frozenset()
    order: dict[str, int] = field(default_factory=dict)


@cache
def table_of(type_name: str) -> Table:
    """The table of a resource type, datatype or backbone. Raises KeyError for what R4 does not have."""
    found = definitions().type(type_name)
    if found is None:
        raise KeyError(type_name)
    members = [_member(number, element) for number, element in enumerate(found.elements.values(), 1)]
    table = Table(
        found.kind == "resource",
        members={one.json_name: one for one in members},
        tags={_tag(one): one for one in members if one.kind is not Kind.ATTRIBUTE},
        attributes=frozenset(one.json_name for one in members if one.kind is Kind.ATTRIBUTE),
    )
    table.order["resourceType"] = 0
    for member in members:
        table.order[member.json_name] = table.order[member.sibling] = member.order
    return table


def resource_table(type_name: str) -> Table | None:
    """The table of a concrete resource type, or None."""
    return table_of(type_name) if type_name in definitions().resource_types else None


def _member(number: int, element: ElementDef) -> Member:
    name = element.json_name
    path = f"{element.name}.ofType({element.type})" if element.choice else element.name
    return Member(path, name, f"_{name}", element.type, _kind(element), number, element.is_list)


def _kind(element: ElementDef) -> Kind:
    if element.xml_attribute:
        return Kind.ATTRIBUTE
    if element.type == "xhtml":
        return Kind.XHTML
    if element.type == "Resource":
        return Kind.RESOURCE
    found = definitions().type(element.type)
    return Kind.PRIMITIVE if found is not None and found.kind == "primitive-type" else Kind.COMPLEX


def _tag(member: Member) -> str:
    return f"{XHTML if member.kind is Kind.XHTML else FHIR} {member.json_name}"
