"""Places in a resource: where an element's items are held, so that they can be changed.

In JSON an element may be one member or a list, a choice has a member for each type, and a primitive keeps id and
extensions in a ``_sibling``. Here an element of an object is a list of items, each a value with its sibling.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.model.definitions import ElementDef, definitions
from fhirserver.model.fhirpath.elements import is_primitive, type_of_resource
from fhirserver.model.fhirpath.values import Extended, Typed

_ROOT = "resource"


class Item(NamedTuple):
    """One item of an element. ``sibling`` is what a primitive has beside its value."""

    value: Json
    sibling: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class Slot:
    """An element of one object, by its FHIRPath name: all its items, in whichever members they are."""

    holder: JsonObject
    name: str
    elements: tuple[ElementDef, ...]

    @property
    def is_list(self) -> bool:
        return bool(self.elements) and self.elements[0].is_list

    def held(self) -> ElementDef | None:
        """The element, of those of a choice, that is there."""
        for element in self.elements:
            if element.json_name in self.holder or f"_{element.json_name}" in self.holder:
                return element
        return None

    def items(self) -> list[Item]:
        element = self.held()
        if element is None:
            return []
        value, sibling = self.holder.get(element.json_name), self.holder.get(f"_{element.json_name}")
        if not element.is_list:
            return [Item(value, sibling)]
        values, siblings = value or [], sibling or []
        return [Item(_at(values, n), _at(siblings, n)) for n in range(max(len(values), len(siblings)))]

    def write(self, element: ElementDef, items: list[Item]) -> None:
        """Have the element hold ``items`` and nothing else."""
        for other in self.elements:
            if other is not element:
                self.holder.pop(other.json_name, None)
                self.holder.pop(f"_{other.json_name}", None)
        values, siblings = [item.value for item in items], [item.sibling for item in items]
        self._member(element.json_name, values, element.is_list)
        self._member(f"_{element.json_name}", siblings, element.is_list)

    def _member(self, name: str, values: list[Json], is_list: bool) -> None:
        if all(value is None for value in values):
            self.holder.pop(name, None)
        else:
            self.holder[name] = values if is_list else values[0]

    def places(self) -> Iterator[Place]:
        element = self.held()
        if element is not None:
            for number, item in enumerate(self.items()):
                if item.value is not None or item.sibling is not None:
                    yield Place(self, element, number)


def _at(values: list[Json], number: int) -> Json:
    return values[number] if number < len(values) else None


@dataclass(frozen=True, slots=True)
class Place:
    """One item of an element."""

    slot: Slot
    element: ElementDef | None
    number: int = 0

    @property
    def is_root(self) -> bool:
        return self.element is None

    @property
    def item(self) -> Item:
        if self.element is None:
            return Item(self.slot.holder[_ROOT])
        return self.slot.items()[self.number]

    @property
    def type(self) -> str:
        """The FHIR type of the item, such as ``HumanName`` or ``Patient.contact``."""
        value = self.item.value
        return type_of_resource(value, self.element.type if self.element else "Resource")

    def typed(self) -> Typed:
        item = self.item
        if not item.sibling:
            return Typed(item.value, self.type)
        extended = Extended(item.value, self.type)
        extended.sibling = item.sibling
        return extended

    def child(self, name: str, make: bool = False) -> Slot | None:
        """The element ``name`` of the item; None where its type has no such element.

        With ``make`` a primitive gets the sibling that a child of its is kept in.
        """
        primitive = is_primitive(self.type)
        found = definitions().type("Element" if primitive else self.type)
        elements = found.by_name.get(name) if found is not None else None
        if elements is None:
            return None
        return Slot(self._sibling(make) if primitive else self.item.value, name, elements)

    def child_of_type(self, json_name: str) -> Slot | None:
        """The choice that ``valueQuantity`` is a type of: no FHIRPath name, but what the JSON member is called."""
        found = definitions().type(self.type)
        element = found.elements.get(json_name) if found is not None else None
        return self.child(element.name) if element is not None else None

    def _sibling(self, make: bool) -> JsonObject:
        item = self.item
        if item.sibling is not None:
            return item.sibling
        made: JsonObject = {}
        if make and self.element is not None:
            self._replace(self.element, [Item(item.value, made)])
        return made

    def replace(self, element: ElementDef, item: Item) -> None:
        """Put another item in the place of this one; ``element`` may be another type of the same choice."""
        self._replace(element, [item])

    def remove(self) -> None:
        if self.element is not None:
            self._replace(self.element, [])

    def _replace(self, element: ElementDef, by: list[Item]) -> None:
        items = self.slot.items()
        items[self.number : self.number + 1] = by
        self.slot.write(element, items)


def root(resource: JsonObject) -> Place:
    """The place of a resource itself."""
    return Place(Slot({_ROOT: resource}, _ROOT, ()), None)
