"""Where a path leads: the part of FHIRPath that selects elements, evaluated to places instead of values.

"The FHIRPath statement" of an operation may go by element names, indexes, ``first()``, ``last()``, ``tail()``,
``skip()``, ``take()``, ``single()``, ``where()``, ``ofType()``, ``as`` and ``extension()``; criteria and numbers
inside may be any FHIRPath. What computes a value has no place and is refused.
https://hl7.org/fhir/R4/fhirpatch.html
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from fhirserver.kernel.json import JsonObject
from fhirserver.model.definitions import definitions
from fhirserver.model.fhirpath import FhirPathError, Typed, syntax
from fhirserver.model.fhirpath.code import Code, Static
from fhirserver.model.fhirpath.compile import Compiler
from fhirserver.model.fhirpath.environment import Environment, Frame
from fhirserver.model.fhirpath.type_names import casts, type_name
from fhirserver.model.fhirpath.values import Items, truth
from fhirserver.model.patch.places import Place, Slot, root

Places: TypeAlias = list[Place]
_ENVIRONMENT = Environment(seconds=1.0)


class Locator:
    """Finds places in one resource, as it is at that moment. The nodes of paths must outlive it."""

    def __init__(self, resource: JsonObject):
        self.root = root(resource)
        self._compiled: dict[tuple[int, str], Code] = {}
        self._nodes: dict[type, Callable[[Any], Places]] = {
            syntax.This: lambda node: [self.root],
            syntax.Member: self._member,
            syntax.Index: self._index,
            syntax.Call: self._call,
            syntax.TypeTest: self._type_test,
            syntax.Constant: self._constant,
        }

    def places(self, node: syntax.Node) -> Places:
        """All that a path selects. Raises :class:`FhirPathError`."""
        find = self._nodes.get(type(node))
        if find is None:
            raise FhirPathError("the path must select elements, not compute a value", node.at)
        return find(node)

    def slot(self, node: syntax.Node) -> Slot:
        """The element that a path ending in an element's name means, items or none. Raises :class:`FhirPathError`."""
        if not isinstance(node, syntax.Member) or (node.first and self._is_root_type(node.name)):
            raise FhirPathError("the path must end with the name of a list", node.at)
        holders = self.places(node.target)
        if len(holders) != 1:
            raise FhirPathError(f"the list is in {len(holders)} places, not in one", node.at)
        return _child(holders[0], node)

    def _is_root_type(self, name: str) -> bool:
        return name[:1].isupper() and definitions().is_a(self.root.type, name)

    def _member(self, node: syntax.Member) -> Places:
        if node.first and node.name[:1].isupper() and definitions().type(node.name) is not None:
            if not self._is_root_type(node.name):
                raise FhirPathError("the path begins at another type than the resource's", node.at)
            return [self.root]
        return [found for place in self.places(node.target) for found in _child(place, node).places()]

    def _constant(self, node: syntax.Constant) -> Places:
        if node.name not in ("resource", "rootResource", "context"):
            raise FhirPathError("this constant has no place in the resource", node.at)
        return [self.root]

    def _index(self, node: syntax.Index) -> Places:
        places, at = self.places(node.target), self._integer(node.index)
        return [places[at]] if 0 <= at < len(places) else []

    def _type_test(self, node: syntax.TypeTest) -> Places:
        if node.operator != "as":
            raise FhirPathError("the path must select elements, not compute a value", node.at)
        return _of_type(self.places(node.operand), node.type, node.at)

    def _call(self, node: syntax.Call) -> Places:
        places = self.places(node.target)
        if node.name in ("ofType", "as"):
            return _of_type(places, _type_argument(node), node.at)
        least, select = _SELECTIONS.get(node.name, (0, None))
        if select is None:
            raise FhirPathError("the path must select elements; this function does not", node.at)
        if len(node.arguments) != least:
            raise FhirPathError("wrong number of arguments", node.at)
        return select(self, places, node)

    def _integer(self, node: syntax.Node) -> int:
        found = self.evaluate(node, self.root.typed())
        if len(found) != 1 or type(found[0].value) is not int:
            raise FhirPathError("expected an integer", node.at)
        return int(found[0].value)

    def evaluate(self, node: syntax.Node, focus: Typed, index: int | None = None) -> Items:
        """What an argument is on one item."""
        key = (id(node), focus.type)
        if key not in self._compiled:
            static = Static(frozenset({focus.type}), many=False)
            self._compiled[key] = Compiler(self.root.type, strict=True).compile(node, static)
        frame = Frame(self.root.typed(), _ENVIRONMENT)
        frame.index = index
        return self._compiled[key].run(frame, [focus])

    def where(self, places: Places, node: syntax.Call) -> Places:
        criterion = node.arguments[0]
        return [
            place
            for number, place in enumerate(places)
            if truth(self.evaluate(criterion, place.typed(), number)) is True
        ]

    def extension(self, places: Places, node: syntax.Call) -> Places:
        wanted = [one.value for one in self.evaluate(node.arguments[0], self.root.typed())]
        slots = [slot for place in places if (slot := place.child("extension")) is not None]
        found = [place for slot in slots for place in slot.places()]
        return [place for place in found if [place.item.value.get("url")] == wanted]

    def skip(self, places: Places, node: syntax.Call) -> Places:
        return places[max(self._integer(node.arguments[0]), 0) :]

    def take(self, places: Places, node: syntax.Call) -> Places:
        return places[: max(self._integer(node.arguments[0]), 0)]

    def single(self, places: Places, node: syntax.Call) -> Places:
        if len(places) > 1:
            raise FhirPathError("expected a single item, found several", node.at)
        return places


_SELECTIONS: dict[str, tuple[int, Callable[[Locator, Places, syntax.Call], Places] | None]] = {
    "where": (1, Locator.where),
    "extension": (1, Locator.extension),
    "skip": (1, Locator.skip),
    "take": (1, Locator.take),
    "first": (0, lambda locator, places, node: places[:1]),
    "last": (0, lambda locator, places, node: places[-1:]),
    "tail": (0, lambda locator, places, node: places[1:]),
    "single": (0, Locator.single),
}


def _child(place: Place, node: syntax.Member) -> Slot:
    slot = place.child(node.name)
    if slot is None:
        raise FhirPathError("there is no such element", node.at)
    return slot


def _of_type(places: Sequence[Place], name: str, at: int) -> Places:
    wanted = type_name(name, at)
    return [place for place in places if casts(place.type, wanted)]


def _type_argument(node: syntax.Call) -> str:
    argument = node.arguments[0] if len(node.arguments) == 1 else None
    if isinstance(argument, syntax.Member) and argument.first:
        return argument.name
    if isinstance(argument, syntax.Member) and isinstance(argument.target, syntax.Member):
        return f"{argument.target.name}.{argument.name}"
    raise FhirPathError("expected the name of a type", node.at)
