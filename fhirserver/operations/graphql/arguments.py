"""Arguments and variables: from the document and the request to plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from graphql import (
    ArgumentNode,
    BooleanValueNode,
    ConstDirectiveNode,
    DirectiveNode,
    EnumValueNode,
    FieldNode,
    FloatValueNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    ListTypeNode,
    ListValueNode,
    NamedTypeNode,
    NonNullTypeNode,
    NullValueNode,
    OperationDefinitionNode,
    StringValueNode,
    TypeNode,
    ValueNode,
    VariableNode,
)

from fhirserver.kernel.json import Json
from fhirserver.operations.graphql.errors import QueryError

Values = Mapping[str, Json]

_KINDS: dict[str, tuple[type, ...]] = {
    "Int": (int,),
    "integer": (int,),
    "positiveInt": (int,),
    "unsignedInt": (int,),
    "Boolean": (bool,),
    "boolean": (bool,),
    "ID": (str, int),
    "Float": (int, float, object),
    "decimal": (int, float, object),
}


def variables_of(operation: OperationDefinitionNode, given: Values) -> dict[str, Json]:
    """The value of every variable that the operation declares and that has one."""
    values: dict[str, Json] = {}
    for declared in operation.variable_definitions or ():
        name = declared.variable.name.value
        if name in given:
            values[name] = given[name]
        elif declared.default_value is not None:
            values[name] = literal(declared.default_value, {})
        if values.get(name) is None and isinstance(declared.type, NonNullTypeNode):
            raise QueryError(f"The variable ${name} needs a value", declared)
        if name in values and not _fits(declared.type, values[name]):
            raise QueryError(f"The value of ${name} is not of its type", declared)
        values.setdefault(name, None)
    return values


def _fits(type: TypeNode, value: Json) -> bool:
    if isinstance(type, NonNullTypeNode):
        return value is not None and _fits(type.type, value)
    if value is None:
        return True
    if isinstance(type, ListTypeNode):
        return (
            all(_fits(type.type, item) for item in value)
            if isinstance(value, list)
            else _fits(type.type, value)
        )
    assert isinstance(type, NamedTypeNode)
    kinds = _KINDS.get(type.name.value, (str,))
    if isinstance(value, bool):
        return bool in kinds
    return isinstance(value, kinds) and not isinstance(value, list | dict)


def literal(node: ValueNode, variables: Values) -> Json:
    """The value of a literal or variable. Raises :class:`QueryError` for a variable that is not declared."""
    match node:
        case VariableNode():
            if node.name.value not in variables:
                raise QueryError(f"The variable ${node.name.value[:64]} is not declared", node)
            return variables[node.name.value]
        case IntValueNode():
            return _integer(node)
        case BooleanValueNode() | StringValueNode() | EnumValueNode() | FloatValueNode():
            return node.value
        case NullValueNode():
            return None
        case ListValueNode():
            return [literal(item, variables) for item in node.values]
    raise QueryError("An object cannot be an argument here", node)


def _integer(node: IntValueNode) -> Json:
    if len(node.value) > 18:
        raise QueryError("The number is too large", node)
    return int(node.value)


def arguments(nodes: Sequence[ArgumentNode] | None, variables: Values) -> dict[str, Json]:
    """Arguments by name; those that are null are not there."""
    values: dict[str, Json] = {}
    for one in nodes or ():
        name = one.name.value
        if name in values:
            raise QueryError(f"The argument '{name[:64]}' is given twice", one)
        values[name] = literal(one.value, variables)
    return {name: value for name, value in values.items() if value is not None}


def directives(
    node: FieldNode | InlineFragmentNode | FragmentSpreadNode, variables: Values
) -> dict[str, Values]:
    """The directives of a selection by name. Refuses those that there are not, and wrong arguments."""
    found: dict[str, Values] = {}
    for one in node.directives or ():
        found[one.name.value] = _directive(one, isinstance(node, FieldNode), variables)
    return found


_ARGUMENTS = {
    "include": ("if",),
    "skip": ("if",),
    "flatten": (),
    "first": (),
    "singleton": (),
    "slice": ("path", "fhirpath"),
}


def _directive(node: DirectiveNode | ConstDirectiveNode, on_field: bool, variables: Values) -> Values:
    name = node.name.value
    if name not in _ARGUMENTS or (not on_field and name not in ("include", "skip")):
        raise QueryError(f"There is no directive @{name[:64]} here", node)
    given = arguments(node.arguments, variables)
    if set(given) - set(_ARGUMENTS[name]):
        raise QueryError(f"@{name} takes no such argument", node)
    if "if" in _ARGUMENTS[name] and not isinstance(given.get("if"), bool):
        raise QueryError(f"@{name} needs if: true or false", node)
    if name == "slice" and len(given) != 1:
        raise QueryError("@slice needs a path", node)
    return given


def is_wanted(found: Mapping[str, Values]) -> bool:
    """What ``@include`` and ``@skip`` say."""
    included = found.get("include", {}).get("if", True)
    return bool(included) and not found.get("skip", {}).get("if", False)
