"""The rows of a data type map as one function: what a component is asked for several times is read once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from adapters.hl7v2.convert.context import Context
from adapters.hl7v2.convert.drafts import Draft, Json
from adapters.hl7v2.convert.generating import Source
from adapters.hl7v2.convert.nodes import Node
from adapters.hl7v2.convert.terms import Words, asked, joined
from adapters.hl7v2.message import NULL

if TYPE_CHECKING:
    from adapters.hl7v2.convert.operations import Operation

Objects = Callable[[int], tuple[Draft, Json]]
"""A group's resource, and the object in it that is filled."""
Fill = Callable[[Context, Node, Objects], None]


class _Parts(Words):
    """Components as variables: ``t3`` is the text of the third, empty where it is absent or stated to be nothing,
    ``v3`` its value."""

    def __init__(self) -> None:
        self.texts: set[int] = set()
        self.values: set[int] = set()

    def has(self, number: int) -> str:
        self.texts.add(number)
        return f"t{number}"

    def component(self, number: int) -> str:
        self.texts.add(number)
        self.values.add(number)
        return f"v{number}"

    def read(self, null: str) -> list[str]:
        """The lines that set the variables."""
        lines = ["parts = node.parts()", "most = len(parts)", "inner = node.inner"]
        if self.values:
            lines.append("plain = node.is_plain")
        for number in sorted(self.texts):
            lines.append(f't{number} = parts[{number - 1}] if most > {number - 1} else ""')
            lines.append(f'if t{number} == {null}: t{number} = ""')
        for number in sorted(self.values):
            lines.append(f"v{number} = (t{number} if plain else inner(t{number})) if t{number} else None")
        return lines


def fill_function(operations: Sequence[Operation]) -> Fill:
    """Runs the operations in their order: of components that are there, and those that speak of absence."""
    rows, parts = Source(), _Parts()
    for operation in operations:
        _row(rows, parts, operation)
    source = Source()
    source.bound = rows.bound
    groups = sorted({operation.group for operation in operations})
    source.add(*parts.read(source.bind(NULL)), *(f"g{group} = None" for group in groups), *rows.lines)
    made: Fill = source.function("context, node, objects")
    return made


def _row(rows: Source, parts: _Parts, operation: Operation) -> None:
    number, group = (operation.numbers or (0,))[0], operation.group
    holder = f"g{group}"
    given = _given(rows, parts, operation, number)
    conditions = []
    if number and not operation.absent:
        conditions.append(parts.has(number))
        if operation.inner:
            conditions.append(f"(own := {given}) is not None")
            given = "own"
    if operation.condition is not None:
        conditions.append(f"({asked(rows, operation.condition, operation.own, parts)})")
    if operation.whole and operation.put is None:
        given = "node"
    elif operation.absent and operation.put is None:
        given = f"({given}) or node"
    call = rows.bind(operation.run if operation.put is None else operation.put)
    rows.add(
        f"if {' and '.join(conditions) or 'True'}:",
        f"    if {holder} is None: {holder} = objects({group})",
        f"    {call}(context, {holder}[0], {holder}[1], {given}, 0)",
    )


def _given(rows: Source, parts: _Parts, operation: Operation, number: int) -> Any:
    """What the row is run on: a text, or a node."""
    if operation.put is not None:
        if operation.assigned:
            return joined(rows, operation.assigned, parts)
        return rows.bind(operation.text) if operation.text is not None else parts.component(number)
    if not number:
        return "node"
    child = f"node.child({number})"
    if operation.inner:
        child += f".at({rows.bind(operation.inner)})"
    return f"{child} if {parts.has(number)} else None" if operation.absent else child
