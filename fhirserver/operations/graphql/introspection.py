"""``__schema`` and ``__type``: the schema, from the R4 definitions. https://spec.graphql.org/October2021/#sec-Introspection

Types are JSON objects that refer to each other; what is asked for twice of the same object is made once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any, NamedTuple

from graphql import FieldNode, FragmentSpreadNode, Node, SelectionSetNode

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.model.definitions import definitions
from fhirserver.operations.graphql.arguments import Values, arguments, directives, is_wanted
from fhirserver.operations.graphql.check import arguments_of
from fhirserver.operations.graphql.document import Document
from fhirserver.operations.graphql.errors import QueryError
from fhirserver.operations.graphql.types import CONTROLS, QUERY, Field, fields_of, is_scalar, shown

MAX_VALUES = 3_000_000
"""Values in an answer; the whole schema has a million."""
_BUILT_IN = {"string": "String", "boolean": "Boolean", "integer": "Int", "decimal": "Float", "id": "ID"}
_ARGUMENT_TYPES = {"_count": "integer", "_offset": "integer", "_cursor": "id", "id": "id"}


class Told(NamedTuple):
    """A part of the answer and how many values it has."""

    value: Json
    size: int


@dataclass(slots=True)
class Introspection:
    """What one query asks of the schema."""

    document: Document
    variables: Values
    _known: dict[tuple[int, int], Told] = field(default_factory=dict)
    _answered: int = 0

    def answer(self, node: FieldNode) -> Json:
        """The value of ``__schema`` or ``__type``. Raises :class:`QueryError` for a field that there is not."""
        given = arguments(node.arguments, self.variables)
        if node.name.value == "__schema":
            found: JsonObject | None = schema()
        else:
            named = _by_name().get(str(given.get("name", "")))
            found = type_object(named) if named is not None else None
        if node.selection_set is None:
            raise QueryError(f"'{node.name.value}' is an object: say which of its fields", node)
        told = self._told(found, node.selection_set, node)
        self._answered += told.size
        self._bound(self._answered)
        return told.value

    def _told(self, value: Any, selections: SelectionSetNode | None, node: Node) -> Told:
        if isinstance(value, list):
            parts = [self._told(item, selections, node) for item in value]
            size = sum(part.size for part in parts) + 1
            self._bound(size)
            return Told([part.value for part in parts], size)
        if not isinstance(value, dict):
            return Told(value, 1)
        if selections is None:
            raise QueryError("This is an object: say which of its fields", node)
        key = (id(value), id(selections))
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._object(value, selections)
        return known

    def _object(self, value: JsonObject, selections: SelectionSetNode) -> Told:
        out: JsonObject = {}
        size = 1
        for node in self._fields(selections):
            name = node.name.value
            if name not in value:
                raise QueryError(f"{value['__typename']} has no field '{name[:64]}'", node)
            inner = value[name]() if callable(value[name]) else value[name]
            told = self._told(inner, node.selection_set, node)
            out[node.alias.value if node.alias else name] = told.value
            size += told.size
            self._bound(size)
        return Told(out, size)

    def _bound(self, size: int) -> None:
        if size > MAX_VALUES:
            raise QueryError(f"The answer has more than {MAX_VALUES} values; ask for less of the schema")

    def _fields(self, selections: SelectionSetNode) -> Iterator[FieldNode]:
        for one in self.document.parts(selections):
            if not is_wanted(directives(one, self.variables)):
                continue
            if isinstance(one, FieldNode):
                yield one
            else:
                inner = self.document.fragment(one) if isinstance(one, FragmentSpreadNode) else one
                yield from self._fields(inner.selection_set)


# --- the schema


@cache
def schema() -> JsonObject:
    """The whole of it."""
    return {
        "__typename": "__Schema",
        "description": "FHIR R4 (4.0.1)",
        "types": lambda: [type_object(name) for name in _all_types()],
        "queryType": type_object(QUERY),
        "mutationType": None,
        "subscriptionType": None,
        "directives": [
            _directive("include", "if", "boolean", ("FIELD", "FRAGMENT_SPREAD", "INLINE_FRAGMENT")),
            _directive("skip", "if", "boolean", ("FIELD", "FRAGMENT_SPREAD", "INLINE_FRAGMENT")),
            *(_directive(name, "", "", ("FIELD",)) for name in ("flatten", "first", "singleton")),
            _directive("slice", "path", "string", ("FIELD",)),
        ],
    }


@cache
def _all_types() -> tuple[str, ...]:
    """Every type that the query type leads to."""
    found: dict[str, None] = {}
    left = [QUERY, "string", "boolean", "integer", "id", "Resource"]
    while left:
        name = left.pop()
        if name not in found:
            found[name] = None
            left += [_type_of(one) for one in fields_of(name).values()] if not is_scalar(name) else []
    return tuple(sorted(found))


@cache
def _by_name() -> dict[str, str]:
    return {_shown(name): name for name in _all_types()}


def _type_of(field: Field) -> str:
    return "Element" if field.kind == "sibling" else field.type


def _shown(name: str) -> str:
    return _BUILT_IN.get(name, shown(name))


@cache
def type_object(name: str) -> JsonObject:
    """A type as ``__Type``. Its fields are made when they are asked for."""
    if is_scalar(name):
        return _type("SCALAR", _shown(name))
    if name == "Resource":
        every = sorted(definitions().resource_types)
        return _type("UNION", name, possibleTypes=lambda: [type_object(type) for type in every])
    return _type("OBJECT", shown(name), interfaces=[], fields=_once(partial(_fields, name)))


def _once(make: Callable[[], Json]) -> Callable[[], Json]:
    """The very same list each time, so that what was told of it is known again."""
    return cache(make)


def _type(kind: str, name: str | None, **members: Any) -> JsonObject:
    return {
        "__typename": "__Type",
        "kind": kind,
        "name": name,
        "description": None,
        "specifiedByURL": None,
        "fields": None,
        "interfaces": None,
        "possibleTypes": None,
        "enumValues": None,
        "inputFields": None,
        "ofType": None,
        "isOneOf": False if kind == "INPUT_OBJECT" else None,
        **members,
    }


@cache
def _wrapped(kind: str, name: str) -> JsonObject:
    return _type(kind, None, ofType=type_object(name))


def _fields(type: str) -> Json:
    return [_field(type, one) for one in fields_of(type).values()]


def _field(type: str, field: Field) -> JsonObject:
    of = _type_of(field)
    return {
        "__typename": "__Field",
        "name": field.name,
        "description": None,
        "args": [
            _argument(name, _ARGUMENT_TYPES.get(name, "string")) for name in sorted(_arguments(type, field))
        ],
        "type": _wrapped("LIST", of) if field.is_list else type_object(of),
        "isDeprecated": False,
        "deprecationReason": None,
    }


def _arguments(type: str, field: Field) -> frozenset[str]:
    """Lookups inside a resource take every search parameter too; told again for each pair of types, the schema
    would be sixty megabytes."""
    if field.kind in ("list", "connection") and type != QUERY:
        return frozenset({"_reference", *CONTROLS})
    return arguments_of(type, field)


@cache
def _argument(name: str, type: str, required: bool = False) -> JsonObject:
    return {
        "__typename": "__InputValue",
        "name": name,
        "description": None,
        "type": _wrapped("NON_NULL", type) if required else type_object(type),
        "defaultValue": None,
        "isDeprecated": False,
        "deprecationReason": None,
    }


def _directive(name: str, argument: str, type: str, locations: tuple[str, ...]) -> JsonObject:
    return {
        "__typename": "__Directive",
        "name": name,
        "description": None,
        "isRepeatable": False,
        "locations": list(locations),
        "args": [_argument(argument, type, True)] if argument else [],
    }
