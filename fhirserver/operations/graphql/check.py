"""Whether every field, argument and fragment of a document is there, before anything is done."""

from __future__ import annotations

from dataclasses import dataclass, field

from graphql import FieldNode, FragmentSpreadNode, InlineFragmentNode, SelectionSetNode

from fhirserver.kernel.json import Json
from fhirserver.operations.graphql.arguments import Values, arguments, directives
from fhirserver.operations.graphql.document import Document
from fhirserver.operations.graphql.errors import QueryError
from fhirserver.operations.graphql.lists import PAGING
from fhirserver.operations.graphql.types import (
    CONTROLS,
    QUERY,
    Field,
    fields_of,
    is_resource,
    may_apply,
    parameters_of,
    references_to,
    shown,
    type_named,
)

INTROSPECTION = frozenset({"__schema", "__type"})


def resolved_type(given: Values) -> str:
    """The type of ``Reference.resource``: the one asked for, or any."""
    return str(given.get("type", "Resource"))


@dataclass(slots=True)
class Check:
    """One walk over a document. Each fragment is looked at once for each type it is spread on."""

    document: Document
    variables: Values
    _done: set[tuple[str, str]] = field(default_factory=set)

    def selections(self, type: str, selections: SelectionSetNode) -> None:
        for one in self.document.parts(selections):
            directives(one, self.variables)
            if isinstance(one, FieldNode):
                self._field(type, one)
            elif isinstance(one, InlineFragmentNode):
                on = one.type_condition.name.value if one.type_condition else shown(type)
                self.selections(self._narrowed(type, on, one), one.selection_set)
            else:
                self._spread(type, one)

    def _spread(self, type: str, spread: FragmentSpreadNode) -> None:
        fragment = self.document.fragment(spread)
        inner = self._narrowed(type, fragment.type_condition.name.value, spread)
        if (spread.name.value, inner) not in self._done:
            self._done.add((spread.name.value, inner))
            self.selections(inner, fragment.selection_set)

    def _narrowed(self, type: str, condition: str, node: InlineFragmentNode | FragmentSpreadNode) -> str:
        named = type_named(condition)
        if named is None:
            raise QueryError(f"There is no type '{condition[:64]}'", node)
        if named != type and not may_apply(named, type):
            raise QueryError(f"A {shown(type)} is never a {condition[:64]}", node)
        return named

    def _field(self, type: str, node: FieldNode) -> None:
        name = node.name.value
        if name == "__typename" or (type == QUERY and name in INTROSPECTION):
            return
        found = fields_of(type).get(name)
        if found is None:
            raise QueryError(f"{shown(type)} has no field '{name[:64]}'", node)
        given = arguments(node.arguments, self.variables)
        self._arguments(type, found, given, node)
        inner = resolved_type(given) if found.kind == "resolve" else found.type
        if found.is_scalar:
            if node.selection_set is not None:
                raise QueryError(f"'{name}' is a value: it has no fields", node)
        elif node.selection_set is None or not node.selection_set.selections:
            raise QueryError(f"'{name}' is an object: say which of its fields", node)
        else:
            self.selections(inner, node.selection_set)

    def _arguments(self, type: str, found: Field, given: dict[str, Json], node: FieldNode) -> None:
        allowed = arguments_of(type, found)
        for name in given:
            if name not in allowed:
                known = ", ".join(sorted(allowed)[:40]) or "none"
                raise QueryError(f"'{found.name}' has no argument '{name[:64]}'; it takes: {known}", node)
        if found.kind == "read" and not isinstance(given.get("id"), str | int):
            raise QueryError(f"'{found.name}' needs an id", node)
        if found.kind in ("list", "connection") and is_resource(type) and "_reference" not in given:
            raise QueryError(f"'{found.name}' inside a resource needs _reference", node)
        if "_reference" in given and str(given["_reference"]) not in _references(type, found):
            known = ", ".join(_references(type, found))
            raise QueryError(f"_reference is a parameter that refers to a {type}: {known}", node)
        if found.kind == "resolve" and not is_resource(resolved_type(given)):
            raise QueryError("type is a resource type", node)


def _references(type: str, found: Field) -> list[str]:
    return [code.replace("-", "_") for code in references_to(found.resource, type)]


def arguments_of(type: str, found: Field) -> frozenset[str]:
    """The arguments of a field."""
    if found.kind == "read":
        return frozenset({"id"})
    if found.kind in ("list", "connection"):
        inside = ("_reference",) if is_resource(type) else ()
        return frozenset({*parameters_of(found.resource), *CONTROLS, *inside})
    if found.kind == "resolve":
        return frozenset({"type", "optional"})
    if found.kind == "element":
        inner = () if found.is_scalar else (n for n, f in fields_of(found.type).items() if f.is_scalar)
        return PAGING | frozenset(inner)
    return frozenset()
