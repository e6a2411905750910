"""Values that a patch states in a Parameters resource: ``value[x]``, a resource, or parts.

A value whose type is not among those of ``Parameters.parameter.value[x]`` (a backbone, a Narrative) is given as
parts that are named after its elements. https://hl7.org/fhir/R4/fhirpatch.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.model.definitions import ElementDef, definitions
from fhirserver.model.fhirpath.elements import is_primitive
from fhirserver.model.patch.document import malformed, unprocessable
from fhirserver.model.patch.places import Item, Slot

_PREFIX = "value"


@dataclass(frozen=True, slots=True)
class Stated:
    """A part with its value; ``type`` is empty for one given by parts. ``where`` is the part's own path."""

    name: str
    where: str
    type: str
    item: Item
    parts: tuple[Stated, ...] = ()

    def as_item(self, elements: Sequence[ElementDef]) -> tuple[ElementDef, Item]:
        """The element, of those of a choice, that can hold the value, and the value as its item.

        Raises a refusal (422) where the type does not fit.
        """
        element = next((one for one in elements if self._fits(one)), None)
        if element is None:
            types = ", ".join(dict.fromkeys(one.type for one in elements))
            raise unprocessable(f"The value must be a {types}", self.where, "value")
        if self.parts:
            return element, Item(self._composed(element.type))
        return element, self.item

    def _fits(self, element: ElementDef) -> bool:
        if self.parts:
            return not is_primitive(element.type) and element.type != "Resource" and not element.choice
        if self.type == element.type or (element.type == "Resource" and _is_resource(self.type)):
            return True
        if element.choice:
            return False
        if is_primitive(element.type) and is_primitive(self.type):
            return self.item.value is None or _kind(self.item.value) in _kinds(element.type)
        return definitions().is_a(self.type, element.type)

    def _composed(self, type_name: str) -> JsonObject:
        made: JsonObject = {}
        found = definitions().type(type_name)
        for part in self.parts:
            name = part.name.removesuffix("[x]")
            named = found.elements.get(name) if found is not None else None
            elements = found.by_name.get(named.name if named else name, ()) if found is not None else ()
            if not elements:
                raise unprocessable(f"{type_name} has no element of that name", part.where, "structure")
            slot = Slot(made, elements[0].name, elements)
            element, item = part.as_item([named] if named else elements)
            items = slot.items()
            if items and not element.is_list:
                raise unprocessable("The element does not repeat", part.where, "structure")
            slot.write(element, [*items, item])
        return made


def stated(part: JsonObject, where: str) -> Stated:
    """Read a part. Raises a refusal (400) where it states nothing or more than one thing."""
    found = [name for name in part if name.lstrip("_").startswith(_PREFIX) or name in ("resource", "part")]
    if len({name.lstrip("_") for name in found}) != 1:
        raise malformed("The part needs one value", where, "required" if not found else "structure")
    name = str(part["name"])
    if "part" in part:
        parts = [stated(inner, f"{where}.part[{number}]") for number, inner in enumerate(part["part"])]
        return Stated(name, where, "", Item(None), tuple(parts))
    if "resource" in part:
        return Stated(name, where, str(part["resource"].get("resourceType")), Item(part["resource"]))
    member = found[0].lstrip("_")
    element = _parameter(member)
    return Stated(name, where, element.type, Item(part.get(member), part.get(f"_{member}")))


def _parameter(member: str) -> ElementDef:
    found = definitions().type("Parameters.parameter")
    if found is None:
        raise LookupError("the definitions have no Parameters")
    return found.elements[member]


def _is_resource(name: str) -> bool:
    return name in definitions().resource_types


_NUMBERS = {"integer": int, "positiveInt": int, "unsignedInt": int, "decimal": Decimal, "boolean": bool}


def _kind(value: Json) -> type:
    return Decimal if isinstance(value, Decimal) else type(value)


def _kinds(type_name: str) -> tuple[type, ...]:
    """The JSON types that a primitive is written in; a whole number may stand for a decimal."""
    found = _NUMBERS.get(type_name, str)
    return (int, Decimal) if found is Decimal else (found,)
