"""FHIRPath Patch: a Parameters resource of operations add, insert, delete, replace and move.

https://hl7.org/fhir/R4/fhirpatch.html
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.kernel.outcomes import Refusal
from fhirserver.model.definitions import ElementDef
from fhirserver.model.fhirpath import FhirPathError, syntax
from fhirserver.model.fhirpath.parser import parse
from fhirserver.model.patch.document import malformed, refuse_too_many, unprocessable, without_empty
from fhirserver.model.patch.locate import Locator
from fhirserver.model.patch.places import Item, Place, Slot
from fhirserver.model.patch.stated import Stated, stated


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation, read and sound in itself. ``where`` is its path in the Parameters resource."""

    type: str
    where: str
    path: syntax.Node
    parts: Mapping[str, Stated]

    def at(self, part: str) -> str:
        return self.parts[part].where

    def integer(self, part: str) -> int:
        return int(self.parts[part].item.value)

    @property
    def value(self) -> Stated:
        return self.parts["value"]


def parse_fhirpath_patch(parameters: JsonObject) -> Callable[[JsonObject], JsonObject]:
    """A function that applies the patch to a resource, which it may change on the way.

    ``parameters`` is a valid Parameters resource. Raises a refusal (400) that names
    ``Parameters.parameter[n].part[m]`` where it is no patch; the function raises one (422) likewise.
    """
    given = parameters.get("parameter", [])
    refuse_too_many(len(given), "Parameters.parameter")
    operations = [_operation(one, f"Parameters.parameter[{number}]") for number, one in enumerate(given)]
    return lambda resource: _apply_all(operations, resource)


def _operation(parameter: JsonObject, where: str) -> Operation:
    if parameter.get("name") != "operation":
        raise malformed("Every parameter of a FHIRPath Patch is an operation", f"{where}.name")
    parts: dict[str, Stated] = {}
    for number, part in enumerate(parameter.get("part", ())):
        if part.get("name") in _TOLD:
            continue
        one = stated(part, f"{where}.part[{number}]")
        if one.name in parts:
            raise malformed(f"The operation has two parts '{one.name[:16]}'", one.where, "structure")
        parts[one.name] = one
    type = str(_primitive(parts, "type", where, str))
    if type not in _OPERATIONS:
        raise malformed(
            f"An operation's type is one of {', '.join(_OPERATIONS)}", parts["type"].where, "value"
        )
    _check_parts(type, parts, where)
    return Operation(type, where, _path(parts, where), parts)


_TOLD = ("previousValue", "provenance", "unit")
"""What ``$diff`` says beside an operation; it changes nothing."""


def _check_parts(type: str, parts: Mapping[str, Stated], where: str) -> None:
    needed = _PARTS[type]
    for name, one in parts.items():
        if name not in ("type", "path", *needed):
            raise malformed(f"{type} takes no part '{name[:16]}'", one.where)
    for name in needed:
        if name == "value":
            _part(parts, name, where)
        else:
            _primitive(parts, name, where, str if name == "name" else int)


def _part(parts: Mapping[str, Stated], name: str, where: str) -> Stated:
    if name not in parts:
        raise malformed(f"The operation needs a part '{name}'", where, "required")
    return parts[name]


def _primitive(parts: Mapping[str, Stated], name: str, where: str, wanted: type) -> Json:
    one = _part(parts, name, where)
    if type(one.item.value) is not wanted:
        word = "a string" if wanted is str else "an integer"
        raise malformed(f"The part '{name}' must be {word}", one.where, "value")
    return one.item.value


def _path(parts: Mapping[str, Stated], where: str) -> syntax.Node:
    text = str(_primitive(parts, "path", where, str))
    try:
        return parse(text)
    except FhirPathError as error:
        raise malformed(f"The path is not FHIRPath: {error}", parts["path"].where) from None
    except RecursionError:
        raise malformed("The path is nested too deeply", parts["path"].where) from None


def _apply_all(operations: list[Operation], resource: JsonObject) -> JsonObject:
    locator = Locator(resource)
    for operation in operations:
        try:
            _OPERATIONS[operation.type](locator, operation)
        except FhirPathError as error:
            raise unprocessable(f"The path leads nowhere: {error}", operation.at("path")) from None
        except (AttributeError, TypeError, KeyError, RecursionError):
            raise unprocessable("The path does not fit the resource", operation.at("path")) from None
    return without_empty(resource)


def _one(locator: Locator, operation: Operation) -> Place:
    """The one place an operation is about: "it is an error if no element matches the specified path"."""
    places = locator.places(operation.path)
    if len(places) == 1:
        return places[0]
    raise _not_one(operation, len(places))


def _not_one(operation: Operation, count: int) -> Refusal:
    if count:
        text = f"The path matches {count} elements, not one"
        return unprocessable(text, operation.at("path"), "multiple-matches")
    return unprocessable("The path matches no element", operation.at("path"), "not-found")


def _stated(operation: Operation, slot: Slot) -> tuple[ElementDef, Item]:
    """The stated value as an item of its own: a patch is applied again where a race was lost."""
    element, item = operation.value.as_item(slot.elements)
    return element, Item(*copy.deepcopy(item))


def _add(locator: Locator, operation: Operation) -> None:
    """Append to a list, or set what is not there yet."""
    place, name = _one(locator, operation), str(operation.parts["name"].item.value)
    slot = place.child(name.removesuffix("[x]"), make=True) or place.child_of_type(name)
    if slot is None:
        raise unprocessable(f"{place.type} has no element of that name", operation.at("name"), "structure")
    element, item = _stated(operation, slot)
    if element.json_name != name and slot.name not in (name, name.removesuffix("[x]")):
        raise unprocessable("The value is not of the type in the name", operation.at("value"), "value")
    items = slot.items()
    if items and not slot.is_list:
        raise unprocessable("The element is there already; replace it", operation.at("name"), "duplicate")
    slot.write(element, [*items, item])


def _insert(locator: Locator, operation: Operation) -> None:
    """ "The index position is mandatory, and must be equal or less than the number of elements in the list"."""
    slot = _list(locator, operation)
    items, at = slot.items(), operation.integer("index")
    if not 0 <= at <= len(items):
        text = f"The list has {len(items)} items: the index is from 0 to {len(items)}"
        raise unprocessable(text, operation.at("index"), "value")
    element, item = _stated(operation, slot)
    slot.write(element, [*items[:at], item, *items[at:]])


def _list(locator: Locator, operation: Operation) -> Slot:
    slot = locator.slot(operation.path)
    if not slot.is_list:
        raise unprocessable("The element is not a list", operation.at("path"), "structure")
    return slot


def _delete(locator: Locator, operation: Operation) -> None:
    """Remove one element. Where the path matches none there is nothing to do, which is no error."""
    places = locator.places(operation.path)
    if len(places) > 1:
        raise _not_one(operation, len(places))
    if places:
        _refuse_root(places[0], operation)
        places[0].remove()


def _replace(locator: Locator, operation: Operation) -> None:
    place = _one(locator, operation)
    _refuse_root(place, operation)
    place.replace(*_stated(operation, place.slot))


def _refuse_root(place: Place, operation: Operation) -> None:
    if place.is_root:
        text = "The path means the resource itself: update or delete it"
        raise unprocessable(text, operation.at("path"), "not-supported")


def _move(locator: Locator, operation: Operation) -> None:
    """Take the item at ``source`` out of the list and put it in at ``destination``."""
    slot = _list(locator, operation)
    items = slot.items()
    for part in ("source", "destination"):
        if not 0 <= operation.integer(part) < len(items):
            text = f"The list has {len(items)} items: there is no such index"
            raise unprocessable(text, operation.at(part), "value")
    held = slot.held()
    items.insert(operation.integer("destination"), items.pop(operation.integer("source")))
    if held is not None:
        slot.write(held, items)


_OPERATIONS: dict[str, Callable[[Locator, Operation], None]] = {
    "add": _add,
    "insert": _insert,
    "delete": _delete,
    "replace": _replace,
    "move": _move,
}
_PARTS: dict[str, tuple[str, ...]] = {
    "add": ("name", "value"),
    "insert": ("value", "index"),
    "delete": (),
    "replace": ("value",),
    "move": ("source", "destination"),
}
